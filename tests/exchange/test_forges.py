"""A merge waits for a gate: its verdict is shown at the commits on GitHub and GitLab, and a pass that has fallen is withdrawn."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from governance.actions.gates import evaluate_gate
from governance.evaluating import work_off
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange import posting
from releasetrain.exchange.models import ForgeConnection, ForgeStatus
from releasetrain.exchange.outgoing import Answer
from releasetrain.exchange.rules import forges
from releasetrain.kernel.clock import now
from tests.exchange.forge_server import TOKEN, Forge
from tests.governance.gateway import Gateway, digest_of, junit
from trains.actions.artifacts import register_artifact

API = "/api/v1/orgs/northwind"
COMMIT = "9f2c" * 10
CONTEXT = "release-train/production/GATE-1"


@pytest.fixture
def forge(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    found = Forge()
    yield found
    assert found.faults == [], "a body was not of the published shape"
    found.close()


class Commits:
    """A commit with its build, asked about and heard of like in the running product."""

    def __init__(self, gateway):
        self.gateway, self.organization = gateway, gateway.cast.organization
        with gateway.scope("service_account") as actor:
            self.artifact = register_artifact(
                actor, service=gateway.service, digest=digest_of("1.0.0"), version="1.0.0", commit=COMMIT
            )

    def ask(self, judged: bool = True):
        with self.gateway.scope("service_account") as actor:
            evaluation = evaluate_gate(actor, gate=self.gateway.gate, artifact=self.artifact)
        if judged:
            work_off(self.organization.pk, evaluation.pk)
        self.hear()
        return evaluation

    def hear(self):
        """The ledger is read at least once: here twice."""
        with self.gateway.scope("owner"):
            for entry in LedgerEntry.objects.filter(verb__in=["gate.evaluate", "evaluation.settle"]).order_by(
                "id"
            ):
                posting.note_evaluation(entry)
                posting.note_evaluation(entry)

    def post(self):
        posting.withdraw_outdated(self.organization.pk)
        return posting.send_due(self.organization.pk)

    def row(self):
        with self.gateway.scope("owner"):
            return ForgeStatus.objects.select_related("connection").get()

    def due(self):
        with self.gateway.scope("owner"):
            ForgeStatus.objects.filter(state="waiting").update(due_at=now(), claimed_until=None)


@pytest.fixture
def commits(cast, database):
    return Commits(Gateway(cast))


def connect(api, forge, form="github-status", **more):
    answer = api("owner").post(
        f"{API}/forge-connections",
        {
            "name": "Forge",
            "form": form,
            "url": forge.url,
            "credential": TOKEN,
            "repositories": {"ledger": "acme/ledger"},
            **more,
        },
    )
    assert answer.status_code == 201, answer.json()
    return answer.json()["id"]


pytestmark = pytest.mark.django_db


def test_github_shows_pending_then_the_verdict_once(api, forge, commits):
    connect(api, forge)
    commits.gateway.post(junit(3))
    evaluation = commits.ask(judged=False)
    assert commits.post() == 1
    shown = forge.shown[("acme/ledger", COMMIT, CONTEXT)]
    assert (shown["state"], shown["description"]) == ("pending", forges.ASKED)
    work_off(commits.organization.pk, evaluation.pk)
    commits.hear()
    assert (commits.post(), commits.post()) == (1, 0)
    shown = forge.shown[("acme/ledger", COMMIT, CONTEXT)]
    assert shown["state"] == "success"
    assert shown["description"].startswith("Ready for production: pass until ")
    assert shown["target_url"] == f"http://localhost:8000/o/northwind/evaluations/{evaluation.key}/"
    assert len(forge.posts) == 2, "heard of four times, posted twice"
    row = commits.row()
    assert (row.state, row.posted, [a["status"] for a in row.log]) == ("delivered", "pass", [201, 201])


def test_a_failed_gate_is_a_failure_that_names_the_checks(api, forge, commits):
    connect(api, forge)
    commits.gateway.post(junit(1, 2))
    commits.ask()
    commits.post()
    shown = forge.shown[("acme/ledger", COMMIT, CONTEXT)]
    assert (shown["state"], shown["description"]) == ("failure", "Ready for production: fail of unit-tests")


def test_a_pass_is_withdrawn_when_what_it_read_changes(api, forge, commits):
    connect(api, forge)
    commits.gateway.post(junit(3))
    commits.ask()
    commits.post()
    commits.gateway.post(junit(2, 1))
    assert commits.post() == 1
    shown = forge.shown[("acme/ledger", COMMIT, CONTEXT)]
    assert (shown["state"], shown["description"]) == ("pending", forges.OUTDATED)
    assert commits.post() == 0


def test_a_pass_is_withdrawn_when_it_runs_out(api, forge, commits):
    connect(api, forge)
    commits.gateway.post(junit(3))
    commits.ask()
    commits.post()
    with time_machine.travel(now() + timedelta(hours=25), tick=True):
        assert commits.post() == 1
    assert forge.shown[("acme/ledger", COMMIT, CONTEXT)]["state"] == "pending"


def test_what_waited_while_the_forge_was_away_is_posted_as_it_stands_by_then(api, forge, commits):
    """Nothing old overwrites something newer: the pass that could not be posted is never posted."""
    connect(api, forge)
    commits.gateway.post(junit(3))
    forge.down = 503
    commits.ask()
    assert commits.post() == 0
    assert commits.row().due_at > now() + timedelta(seconds=3)
    commits.gateway.post(junit(2, 1))
    commits.ask()
    forge.down = 0
    commits.due()
    assert commits.post() == 1
    assert [body["state"] for _, _, body in forge.posts] == ["failure"]


def test_a_forge_that_stays_away_is_a_dead_letter_until_it_is_posted_again(api, forge, commits, web):
    identity = connect(api, forge)
    commits.gateway.post(junit(3))
    forge.down = 500
    commits.ask()
    while commits.row().state == "waiting":
        commits.due()
        commits.post()
    row = commits.row()
    assert (row.state, row.attempts, row.connection.failing_since is not None) == ("failed", 9, True)
    page = web("owner").get("/o/northwind/integrations/").content.decode()
    assert "Verdicts at commits" in page and "Failing" in page
    assert "answer 500" in web("rte").get(f"/o/northwind/forge-statuses/{row.pk}/").content.decode()
    forge.down = 0
    assert api("service_account").post(f"{API}/forge-statuses/{row.pk}/repost").status_code == 200
    assert commits.post() == 1
    row = commits.row()
    assert (row.state, row.connection.failing_since) == ("delivered", None)
    shown = web("owner").get(f"/o/northwind/forge-connections/{identity}/").content.decode()
    assert "Posted 1" in shown and TOKEN not in shown


def test_a_worker_that_dies_between_claim_and_post_loses_nothing_and_doubles_nothing(api, forge, commits):
    connect(api, forge)
    commits.gateway.post(junit(3))
    commits.ask()
    dead = uuid.uuid4()
    (call,) = posting.claim(commits.organization.pk, dead)
    assert commits.post() == 0, "another worker leaves it alone while the lease runs"
    commits.due()
    assert commits.post() == 1
    # The dead one wakes up: too late to post, and its note changes nothing.
    with time_machine.travel(now() + timedelta(minutes=5), tick=True):
        late = posting.send(call, TOKEN)
    assert late.error and not late.accepted
    posting.settle(commits.organization.pk, call, dead, Answer(status=500))
    assert commits.row().state == "delivered"
    assert len(forge.posts) == 1


def test_what_changes_while_it_is_posted_is_posted_next(api, forge, commits):
    connect(api, forge)
    commits.gateway.post(junit(3))
    commits.ask()
    lease = uuid.uuid4()
    (call,) = posting.claim(commits.organization.pk, lease)
    commits.gateway.post(junit(2, 1))
    commits.ask()
    posting.settle(commits.organization.pk, call, lease, posting.send(call, TOKEN))
    assert commits.row().state == "waiting"
    assert commits.post() == 1
    assert [body["state"] for _, _, body in forge.posts] == ["success", "failure"]


def test_check_runs_by_an_app_one_for_each_evaluation(api, forge, commits):
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()).decode()
    forge.app_key = (
        key.public_key().public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo).decode()
    )
    connect(api, forge, "github-check", credential=pem, app="Iv1abc", installation="4711")
    commits.gateway.post(junit(3))
    evaluation = commits.ask(judged=False)
    commits.post()
    (run,) = forge.runs
    assert (run["status"], run["external_id"], "conclusion" in run) == (
        "in_progress",
        str(evaluation.pk),
        False,
    )
    work_off(commits.organization.pk, evaluation.pk)
    commits.hear()
    commits.post()
    (run,) = forge.runs
    assert (run["status"], run["conclusion"]) == ("completed", "success")
    commits.gateway.post(junit(2, 1))
    commits.post()
    assert forge.runs[0]["conclusion"] == "action_required"
    commits.ask()
    commits.post()
    assert [r["conclusion"] for r in forge.runs] == ["failure", "action_required"]


def test_gitlab_takes_its_own_words_and_a_state_it_has_already(api, forge, commits):
    connect(api, forge, "gitlab-status", repositories={"ledger": "acme/core/ledger"})
    commits.ask(judged=False)
    commits.post()
    place = ("acme/core/ledger", COMMIT, CONTEXT)
    assert forge.shown[place]["state"] == "pending"
    # No result was posted: missing data are pending as well, which GitLab refuses to say twice.
    work_off(commits.organization.pk, commits.row().evaluation_id)
    commits.hear()
    assert commits.post() == 1
    assert commits.row().state == "delivered"
    commits.gateway.post(junit(1, 3))
    commits.ask()
    commits.post()
    assert forge.shown[place]["state"] == "failed"


def test_gitlab_merge_requests_wait_for_their_external_check(api, forge, commits):
    connect(api, forge, "gitlab-check", repositories={"ledger": "314"})
    commits.gateway.post(junit(3))
    commits.ask()
    assert commits.post() == 0
    assert "No open merge request" in commits.row().log[-1]["error"]
    forge.merge_requests = [
        {"iid": 7, "state": "opened", "sha": COMMIT},
        {"iid": 8, "state": "opened", "sha": "0" * 40},
        {"iid": 9, "state": "merged", "sha": COMMIT},
    ]
    forge.checks = [{"id": 5, "name": "other"}, {"id": 6, "name": CONTEXT}]
    commits.due()
    assert commits.post() == 1
    assert forge.posts == [("314", "7", {"sha": COMMIT, "external_status_check_id": 6, "status": "passed"})]


def test_an_advisory_gate_and_a_service_that_is_not_listed_are_not_posted(api, forge, commits, cast, within):
    from governance.actions.gates import advise_gate

    connect(api, forge, repositories={})
    commits.ask()
    with within(cast, "owner"):
        assert not ForgeStatus.objects.exists(), "the service has no repository at this forge"
        ForgeConnection.objects.update(repositories={"ledger": "acme/ledger"})
    with within(cast, "release_manager") as manager:
        advise_gate(manager, commits.gateway.gate, reason="On trial.")
    commits.ask()
    with within(cast, "owner"):
        assert not ForgeStatus.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "https://10.0.0.1/api/v3"}, "url"),
        ({"url": "http://example.com"}, "url"),
        ({"url": "https://example.com/api?x=1"}, "url"),
        ({"credential": "   "}, "credential"),
        ({"credential": "two words"}, "credential"),
        ({"credential": "-----BEGIN PRIVATE KEY-----"}, "credential"),
        ({"app": "Iv1abc"}, "installation"),
        ({"installation": "4711"}, "app"),
        ({"form": "svn"}, "form"),
        ({"repositories": {"nothing": "acme/x"}}, "repositories"),
        ({"repositories": {"ledger": "acme/../x"}}, "repositories"),
        ({"repositories": {"ledger": "ledger"}}, "repositories"),
        ({"context": " "}, "context"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(api, commits, given, field):
    body = {"name": "x", "form": "github-status", "credential": TOKEN, **given}
    refused = api("owner").post(f"{API}/forge-connections", body)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"#/{field}"), (
        refused.json()
    )


def test_the_credential_is_nowhere_to_be_read(api, forge, commits, cast, within):
    identity = connect(api, forge)
    renewed = api("owner").post(
        f"{API}/forge-connections/{identity}/replace_credential", {"credential": f"{TOKEN}x"}
    )
    assert renewed.status_code == 200
    shown = (
        json.dumps(api("owner").get(f"{API}/forge-connections/{identity}").json()) + renewed.content.decode()
    )
    with within(cast, "owner"):
        connection = ForgeConnection.objects.get()
        assert TOKEN not in connection.sealed_credential
        shown += "".join(LedgerEntry.objects.values_list("body", flat=True))
    assert TOKEN not in shown and "sealed" not in shown
    commits.gateway.post(junit(3))
    commits.ask()
    commits.post()
    row = commits.row()
    assert row.log[-1]["status"] == 401
    assert TOKEN not in json.dumps(row.log)
    body = {"name": "y", "form": "github-status", "credential": TOKEN}
    assert api("rte").post(f"{API}/forge-connections", body).status_code == 403


SAID = st.sampled_from([value for value, _ in forges.SAYS])


@given(st.lists(SAID, min_size=1), st.sampled_from([value for value, _ in forges.FORMS]))
def test_only_passes_alone_make_a_success(said, form):
    shown = forges.WORDS[form][forges.worst(said)]
    assert (shown in ("success", "passed")) == (set(said) == {"pass"})


@given(st.text(max_size=400))
def test_no_repository_leaves_its_place_in_the_address(name):
    for form, _ in forges.FORMS:
        if not forges.repository_fault(form, name):
            assert ".." not in name.split("/") and not set(name) & set("?#%\\ \n")
    assert len(forges.short(name)) <= 140


def test_the_repository_of_a_service_is_found_by_its_address():
    def of(address, host="github.com", form="github-status", **named):
        return forges.repository_of(form, host, "ledger", address, named, False)

    assert of("https://github.com/acme/ledger.git") == "acme/ledger"
    assert of("github.com/acme/ledger") == "acme/ledger"
    assert of("https://gitlab.com/acme/ledger") == ""
    assert of("https://github.com/acme") == ""
    assert of("https://gitlab.com/a/b/c", "gitlab.com", "gitlab-status") == "a/b/c"
    assert of("https://elsewhere.example/x/y", ledger="acme/money") == "acme/money"


def test_nothing_of_one_organization_is_posted_by_the_other(api, forge, commits, other_cast, within):
    connect(api, forge)
    commits.ask()
    assert posting.withdraw_outdated(other_cast.organization.pk) == 0
    assert posting.send_due(other_cast.organization.pk) == 0
    assert forge.posts == []
    seen = api("owner", "contoso-health").get(
        f"/api/v1/orgs/contoso-health/forge-statuses/{commits.row().pk}"
    )
    assert seen.status_code == 404
