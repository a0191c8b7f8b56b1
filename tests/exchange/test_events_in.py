"""Other systems send events: proved by their signature, kept as they came, acted upon once, whatever their order."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError
from standardwebhooks import Webhook

from problems.models import Incident
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange.acting import act_on_due
from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.rules.events import Unreadable, kind_of
from releasetrain.interface.api.parsing import parse
from trains.actions.environments import create_environment
from trains.actions.services import create_service
from trains.actions.teams import create_team
from trains.actions.trains import create_train
from trains.models import Artifact, Deployment, Environment

WORDS = (
    "context", "subject", "id", "source", "type", "timestamp", "version", "content", "specversion", "data", "event", "event_type",
    "alerts", "labels", "annotations", "startsAt", "endsAt", "status", "build", "name", "number", "phase", "parameters", "scm",
    "app", "metadata", "spec", "operationState", "destination", "summary", "images", "deployment", "deployment_status", "state",
    "repository", "full_name", "object_kind", "project", "sys_id", "opened_at", "featureName", "createdAt", "kind", "accesses",
    "resource", "action", "flagKey", "enabled", "date", "currentVersion", "environments", "created_at", "service",
)  # fmt: skip
pytestmark = pytest.mark.django_db
SECRET = "a secret of more than sixteen characters"
SHA = "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def shop(cast, within):
    """A service and two environments to deploy it to."""
    with within(cast, "rte") as actor:
        train = create_train(actor, key="RAIL", name="Rails", cadence_start=date(2027, 1, 4))
        team = create_team(actor, train=train, code="SIG", name="Signals")
        service = create_service(actor, train=train, team=team, name="payments")
        for name, kind in (
            ("production", Environment.Kind.PRODUCTION),
            ("staging", Environment.Kind.STAGING),
        ):
            if not Environment.objects.filter(name=name).exists():
                create_environment(actor, name=name, kind=kind)
    return service


@pytest.fixture
def connect(shop, api, cast, within):
    """`connect("github")` -> a function that sends a body as that kind of sender would."""

    def connected(kind, **names):
        made = api("owner").post(
            "/api/v1/orgs/northwind/event-sources",
            {"name": f"our {kind}", "kind": kind, "secret": SECRET, **names},
        )
        assert made.status_code == 200, made.json()
        path = "/" + made.json()["result"]["address"].split("/", 3)[3]

        def send(body, content_type="application/json", **headers):
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return Client().post(
                path, raw, content_type=content_type, headers={**SIGNED[kind](raw), **headers}
            )

        send.path = path
        send.act = lambda: act_on_due(cast.organization.pk)
        return send

    return connected


def mac(raw: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def bearer(raw: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRET}"}


SIGNED = {
    "github": lambda raw: {"X-Hub-Signature-256": f"sha256={mac(raw)}"},
    "gitlab": lambda raw: {"X-Gitlab-Token": SECRET},
    "pagerduty": lambda raw: {"X-PagerDuty-Signature": f"v1={mac(raw, 'another')},v1={mac(raw)}"},
    "launchdarkly": lambda raw: {"X-LD-Signature": mac(raw)},
    **dict.fromkeys(
        (
            "cdevents",
            "cloudevents",
            "alertmanager",
            "jenkins",
            "argocd",
            "servicenow",
            "unleash",
            "openfeature",
        ),
        bearer,
    ),
}


def github_deployment(state=None, minute=0):
    deployment = {
        "id": 4711,
        "sha": SHA,
        "ref": "v1.4.0",
        "task": "deploy",
        "environment": "production",
        "created_at": "2026-11-20T10:00:00Z",
        "creator": {"login": "mona"},
    }
    body = {"action": "created", "deployment": deployment, "repository": {"full_name": "acme/payments"}}
    if state:
        body["deployment_status"] = {"state": state, "updated_at": f"2026-11-20T10:{minute:02}:00Z"}
    return body


def events(cast, within):
    with within(cast, "owner"):
        return list(InboundEvent.objects.select_related("source").order_by("received_at", "id"))


def test_a_deployment_on_github_is_on_record_whatever_the_order(connect, cast, within, api):
    send = connect("github")
    told = [
        (github_deployment("success", 7), "deployment_status", "c"),
        (github_deployment("in_progress", 1), "deployment_status", "b"),
        (github_deployment(), "deployment", "a"),
    ]
    for body, event, delivery in told:
        answer = send(body, **{"X-GitHub-Event": event, "X-GitHub-Delivery": delivery})
        assert (answer.status_code, answer.json()["new"]) == (202, 1)
        send.act()
    repeated = send(told[0][0], **{"X-GitHub-Event": "deployment_status", "X-GitHub-Delivery": "c"})
    assert repeated.json() == {"events": 1, "new": 0}
    send.act()
    with within(cast, "rte"):
        (one,) = Deployment.objects.filter(external_id="4711")
        assert (one.state, one.commit, one.version, one.deployed_by_name) == (
            "succeeded",
            SHA,
            "v1.4.0",
            "mona",
        )
        assert one.started_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
        assert one.finished_at == datetime(2026, 11, 20, 10, 7, tzinfo=UTC)
    kept = events(cast, within)
    assert [e.state for e in kept] == ["done"] * 3
    assert json.loads(kept[0].body) == told[0][0]
    shown = api("rte").get(f"/api/v1/orgs/northwind/inbound-events/{kept[0].pk}").json()
    assert shown["made"][0]["kind"] == "deployment"


@pytest.mark.parametrize("kind", sorted(SIGNED))
def test_a_body_that_was_changed_on_the_way_is_refused(connect, cast, within, kind):
    send = connect(kind)
    raw = b'{"some": "thing"}'
    forged = {
        name: value[:-1] + ("0" if value[-1] != "0" else "1") for name, value in SIGNED[kind](raw).items()
    }
    client = Client()
    for headers in ({}, forged):
        answer = client.post(send.path, raw, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "event.unproved")
    if kind in ("github", "pagerduty", "launchdarkly"):
        answer = client.post(
            send.path, raw + b" ", content_type="application/json", headers=SIGNED[kind](raw)
        )
        assert answer.status_code == 401
    assert (
        client.post(
            "/hooks/contoso-health/" + send.path.rpartition("/")[2], raw, content_type="a/b"
        ).status_code
        == 401
    )
    assert events(cast, within) == []


def test_standard_webhooks_are_proved_within_five_minutes(connect):
    send = connect("cloudevents")
    raw = json.dumps({"specversion": "1.0", "id": "1", "source": "/ci", "type": "some.thing"}).encode()

    def post(moment):
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(SECRET.encode()).sign("msg_1", moment, raw.decode()),
        }
        return (
            Client()
            .post(send.path, raw, content_type="application/cloudevents+json", headers=headers)
            .status_code
        )

    assert post(datetime.now(UTC)) == 202
    assert post(datetime.now(UTC) - timedelta(minutes=6)) == 401
    assert post(datetime.now(UTC) + timedelta(minutes=6)) == 401


def test_a_new_secret_leaves_the_earlier_one_good_for_a_while(connect, api, cast, within):
    send = connect("gitlab")
    with within(cast, "owner"):
        source = EventSource.objects.get()
        assert SECRET not in source.sealed_secret
    address = f"/api/v1/orgs/northwind/event-sources/{source.pk}"
    assert SECRET not in json.dumps(api("owner").get(address).json())
    made = api("owner").post(f"{address}/rotate", {"overlap_hours": 1}).json()["result"]
    for secret, status in ((SECRET, 202), (made["secret"], 202), ("something else entirely", 401)):
        answer = Client().post(
            send.path,
            b'{"object_kind": "push"}',
            content_type="application/json",
            headers={"X-Gitlab-Token": secret},
        )
        assert answer.status_code == status
    api("owner").post(f"{address}/rotate", {"overlap_hours": 0})
    late = Client().post(
        send.path, b"{}", content_type="application/json", headers={"X-Gitlab-Token": SECRET}
    )
    assert late.status_code == 401
    from releasetrain.audit.models import LedgerEntry

    with within(cast, "owner"):
        assert "sealed" not in "".join(
            LedgerEntry.objects.filter(verb="event_source.rotate").values_list("body", flat=True)
        )


def test_gitlab_deployments_and_names_that_differ(connect, cast, within, api):
    send = connect("gitlab")
    body = {
        "object_kind": "deployment",
        "status": "running",
        "status_changed_at": "2026-11-20 11:50:00 +0200",
        "deployment_id": 15,
        "environment": "prod-eu",
        "project": {"id": 30, "path_with_namespace": "acme/pay"},
        "short_sha": SHA[:8],
        "commit_url": f"https://gitlab.example/acme/pay/-/commit/{SHA}",
        "user": {"name": "Ada"},
    }
    assert send(body).status_code == 202
    send.act()
    (dead,) = events(cast, within)
    assert dead.state == "dead_letter"
    assert dead.outcome == "our gitlab speaks of the service 'acme/pay', which nobody has here."
    address = f"/api/v1/orgs/northwind/event-sources/{dead.source_id}"
    wrong = api("owner").post(f"{address}/edit", {"services": {"acme/pay": "no such"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/services")
    names = {"services": {"acme/pay": "payments"}, "environments": {"prod-eu": "production"}}
    assert api("owner").post(f"{address}/edit", names).status_code == 200
    assert api("owner").post(f"{address}/retry_dead").json()["result"] == {"events": 1}
    send.act()
    send({**body, "status": "success", "status_changed_at": "2026-11-20 11:55:00 +0200"})
    send.act()
    with within(cast, "rte"):
        (one,) = Deployment.objects.filter(external_id="30:15")
        assert (one.state, one.commit, one.environment.name) == ("succeeded", SHA, "production")
        assert one.finished_at - one.started_at == timedelta(minutes=5)


def cdevent(kind, subject, content, at="2026-11-20T10:00:00Z", ident="1", **more):
    return {
        "context": {
            "version": "0.4.1",
            "id": ident,
            "source": "/ci",
            "type": f"dev.cdevents.{kind}.0.2.0",
            "timestamp": at,
            "chainId": "chain-1",
        },
        "subject": {"id": subject, "type": "x", "content": content},
        **more,
    }


def test_cdevents_make_artifacts_results_deployments_and_incidents(connect, cast, within):
    send = connect("cdevents")
    purl = f"pkg:oci/payments@{DIGEST.replace(':', '%3A')}?tag=1.4.0"
    sent = [
        cdevent("artifact.published", purl, {}, ident="a"),
        cdevent(
            "testsuiterun.finished", "run", {"outcome": "failure", "testSuite": {"id": "e2e"}}, ident="t"
        ),
        cdevent(
            "service.deployed", "payments", {"environment": {"id": "staging"}, "artifactId": purl}, ident="d"
        ),
        cdevent("incident.resolved", "inc-1", {"service": {"id": "payments"}}, "2026-11-20T12:00:00Z", "r"),
        cdevent(
            "incident.detected", "inc-1", {"service": {"id": "payments"}, "description": "Slow"}, ident="i"
        ),
        cdevent("build.started", "b", {}, ident="b"),
    ]
    as_cloud_events = [
        {
            "specversion": "1.0",
            "id": e["context"]["id"],
            "source": "/ci",
            "type": e["context"]["type"],
            "datacontenttype": "application/json",
            "data": e,
        }
        for e in sent
    ]
    answer = send(as_cloud_events, "application/cloudevents-batch+json")
    assert answer.json() == {"events": 6, "new": 6}
    send.act()
    assert [e.state for e in events(cast, within)] == ["done"] * 5 + ["kept"]
    with within(cast, "rte"):
        artifact = Artifact.objects.get(digest=DIGEST)
        assert artifact.version == "1.4.0"
        (result,) = artifact.results.all()
        assert result.summary["failed"] == 1
        deployment = Deployment.objects.get(artifact=artifact)
        assert (deployment.state, deployment.environment.name) == ("succeeded", "staging")
        incident = Incident.objects.get(source="our cdevents")
        assert (incident.state, incident.resolved_at.hour, incident.detected_at.hour) == ("resolved", 12, 10)
        # An entry of its own: reviews, notices and webhooks hear of it.
        assert LedgerEntry.objects.filter(verb="incident.record", subject_id=incident.pk).exists()


def test_a_replay_changes_nothing_and_a_bare_list_is_the_same_batch(connect, cast, within, api):
    send = connect("cdevents")
    deployed = cdevent("service.deployed", "payments", {"environment": {"id": "staging"}})
    assert send([deployed]).json()["new"] == 1
    assert send(deployed).json()["new"] == 0
    send.act()
    (event,) = events(cast, within)
    address = f"/api/v1/orgs/northwind/event-sources/{event.source_id}/replay"
    assert api("rte").post(address, {"since": "2020-01-01T00:00:00Z"}).json()["result"] == {"events": 1}
    assert send.act() == 1
    with within(cast, "rte"):
        assert Deployment.objects.filter(source="our cdevents").count() == 1
    (event,) = events(cast, within)
    assert (event.replays, event.state) == (1, "done")


def test_binary_mode_of_cloudevents(connect, cast, within):
    send = connect("cloudevents")
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "releasetrain.deployment",
        "ce-id": "42",
        "ce-source": "/deployer%20one",
        "ce-time": "2026-11-20T10:00:00Z",
    }
    said = {"service": "payments", "environment": "staging", "status": "failed", "version": "1.2.3"}
    assert send(said, **headers).status_code == 202
    assert (
        send(b"<xml/>", "application/xml", **{**headers, "ce-type": "some.thing", "ce-id": "43"}).status_code
        == 202
    )
    send.act()
    done, kept = events(cast, within)
    assert (done.origin, done.state, kept.state) == ("/deployer one", "done", "kept")
    with within(cast, "rte"):
        assert Deployment.objects.get(external_id="42").state == "failed"


def test_what_cannot_be_read_is_refused_with_the_reason(connect, cast, within):
    send = connect("cloudevents")
    for body, content_type, status in (
        (b"no json", "application/cloudevents+json", 400),
        (b"\xff\xfe", "application/cloudevents+json", 400),
        ({"specversion": "0.3", "id": "1", "source": "a", "type": "b"}, "application/cloudevents+json", 422),
        ({"specversion": "1.0", "id": "1", "source": "a"}, "application/cloudevents+json", 422),
        ({"not": "a list"}, "application/cloudevents-batch+json", 422),
        (b"<xml/>", "application/cloudevents+xml", 422),
        (b'{"specversion": "1.0", "id": "\\u0000"}', "application/cloudevents+json", 400),
    ):
        assert send(body, content_type).status_code == status, body
    assert send([], "application/cloudevents-batch+json").json() == {"events": 0, "new": 0}
    assert Client().get(send.path).status_code == 405
    asked = Client().options(send.path, headers={"WebHook-Request-Origin": "ci.example"})
    assert (asked.status_code, asked["WebHook-Allowed-Origin"]) == (200, "ci.example")
    assert events(cast, within) == []


def test_pagerduty_alertmanager_and_servicenow_incidents(connect, cast, within):
    pager = connect("pagerduty")
    data = {
        "id": "PGR0VU2",
        "type": "incident",
        "title": "Payments are slow",
        "status": "resolved",
        "created_at": "2026-11-20T10:00:00Z",
        "service": {"summary": "payments"},
        "priority": {"summary": "P1"},
        "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
    }
    said = {
        "id": "e2",
        "event_type": "incident.resolved",
        "occurred_at": "2026-11-20T11:00:00Z",
        "data": data,
    }
    pager({"event": said})
    first = {**said, "id": "e1", "event_type": "incident.triggered", "data": {**data, "status": "triggered"}}
    pager({"event": {**first, "occurred_at": "2026-11-20T10:00:01Z"}})
    alerts = connect("alertmanager")
    alert = {
        "labels": {"alertname": "HighLatency", "service": "payments", "severity": "critical"},
        "annotations": {"summary": "p99 above 2 s"},
        "startsAt": "2026-11-20T10:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "status": "firing",
        "fingerprint": "abc",
    }
    alerts({"version": "4", "status": "firing", "alerts": [alert]})
    ended = {**alert, "status": "resolved", "endsAt": "2026-11-20T10:30:00Z"}
    alerts({"version": "4", "status": "resolved", "alerts": [ended]})
    now = connect("servicenow", services={"Payments platform": "payments"})
    record = {
        "sys_id": "6f1",
        "number": "INC0010001",
        "short_description": "Cards declined",
        "state": "6",
        "priority": "2 - High",
        "opened_at": "2026-11-20 10:00:00",
        "resolved_at": "2026-11-20 10:45:00",
        "sys_mod_count": "3",
        "business_service": {"display_value": "Payments platform", "value": "x"},
    }
    now({"result": [record]})
    pager.act()
    assert {e.state for e in events(cast, within)} == {"done"}
    with within(cast, "rte"):
        found = {i.source: i for i in Incident.objects.filter(source__startswith="our ")}
        assert {s: (int(i.severity), i.state, i.title) for s, i in found.items()} == {
            "our pagerduty": (1, "resolved", "Payments are slow"),
            "our alertmanager": (1, "resolved", "p99 above 2 s"),
            "our servicenow": (2, "resolved", "Cards declined"),
        }
        assert found["our alertmanager"].resolved_at.minute == 30
        from trains.models import ObservedAlert

        assert ObservedAlert.objects.get(name="HighLatency").ends_at.minute == 30


def test_jenkins_and_argo_cd_deployments(connect, cast, within):
    jenkins = connect("jenkins")
    build = {
        "number": 7,
        "phase": "STARTED",
        "timestamp": 1_795_168_800_000,
        "parameters": {"ENVIRONMENT": "staging", "VERSION": "2.0.0"},
        "scm": {"commit": SHA},
        "full_url": "https://ci.example/job/payments/7/",
    }
    jenkins({"name": "payments", "url": "job/payments/", "build": build})
    ended = {**build, "phase": "FINALIZED", "status": "FAILURE", "duration": 90_000}
    jenkins({"name": "payments", "url": "job/payments/", "build": ended})
    argo = connect("argocd")
    operation = {
        "phase": "Succeeded",
        "startedAt": "2026-11-20T10:00:00Z",
        "finishedAt": "2026-11-20T10:01:00Z",
    }
    argo(
        {
            "app": {
                "metadata": {"name": "payments"},
                "spec": {"destination": {"namespace": "staging"}},
                "status": {
                    "operationState": {**operation, "syncResult": {"revision": SHA}},
                    "summary": {"images": ["registry.example/payments:2.0.1"]},
                },
            }
        }
    )
    jenkins.act()
    assert {e.state for e in events(cast, within)} == {"done"}
    with within(cast, "rte"):
        one = Deployment.objects.get(source="our jenkins")
        assert (one.state, one.version, one.finished_at - one.started_at) == (
            "failed",
            "2.0.0",
            timedelta(seconds=90),
        )
        two = Deployment.objects.get(source="our argocd")
        assert (two.state, two.version, two.commit) == ("succeeded", "2.0.1", SHA)


def test_flags_turn_on_and_off(connect, cast, within):
    from trains.models import FeatureFlag

    unleash = connect("unleash", environments={"development": "staging"})
    base = {
        "featureName": "new-cards",
        "environment": "development",
        "project": "default",
        "createdBy": "ada",
    }
    unleash({**base, "id": 2, "type": "feature-environment-disabled", "createdAt": "2026-11-20T11:00:00Z"})
    unleash({**base, "id": 1, "type": "feature-environment-enabled", "createdAt": "2026-11-20T10:00:00Z"})
    dark = connect("launchdarkly")
    dark(
        {
            "_id": "x1",
            "kind": "flag",
            "date": 1_795_168_800_000,
            "titleVerb": "turned on the flag",
            "accesses": [{"action": "updateOn", "resource": "proj/default:env/production:flag/fast-lane"}],
            "currentVersion": {"environments": {"production": {"on": True}}},
        }
    )
    plain = connect("openfeature")
    plain(
        [{"flagKey": "fees-v2", "environment": "staging", "value": True, "timestamp": "2026-11-20T10:00:00Z"}]
    )
    unleash.act()
    assert [(e.state, e.outcome) for e in events(cast, within) if e.state != "done"] == []
    with within(cast, "rte"):
        states = {
            flag.name: [(s["environment"], s["on"]) for s in flag.states.values()]
            for flag in FeatureFlag.objects.filter(name__in=["new-cards", "fast-lane", "fees-v2"])
        }
    assert states == {
        "new-cards": [("staging", False)],
        "fast-lane": [("production", True)],
        "fees-v2": [("staging", True)],
    }


def test_unknown_kinds_are_kept_and_dead_letters_stand_on_a_page(connect, web, api, cast, within):
    send = connect("github")
    assert (
        send(
            {"zen": "Keep it logically awesome."}, **{"X-GitHub-Event": "ping", "X-GitHub-Delivery": "1"}
        ).status_code
        == 202
    )
    strange = github_deployment()
    strange["repository"]["full_name"] = "acme/unheard-of"
    send(strange, **{"X-GitHub-Event": "deployment", "X-GitHub-Delivery": "2"})
    send.act()
    ping, dead = events(cast, within)
    assert (ping.state, dead.state) == ("kept", "dead_letter")
    page = web("rte").get("/o/northwind/integrations/").content.decode()
    assert "unheard-of" in page and "Dead letters" in page
    shown = web("rte").get(f"/o/northwind/inbound-events/{dead.pk}/").content.decode()
    assert "acme/unheard-of" in shown and "Act again" in shown
    assert web("team_member").get(f"/o/northwind/inbound-events/{dead.pk}/").status_code in (403, 404)
    assert api("team_member").post(f"/api/v1/orgs/northwind/inbound-events/{dead.pk}/retry").status_code in (
        403,
        404,
    )
    with within(cast, "rte") as actor:
        create_service(
            actor,
            train=create_train(actor, key="T2", name="T2", cadence_start=date(2027, 1, 4)),
            name="unheard-of",
        )
    assert api("rte").post(f"/api/v1/orgs/northwind/inbound-events/{dead.pk}/retry").status_code == 200
    send.act()
    assert events(cast, within)[1].state == "done"


def test_an_error_of_ours_is_tried_again_and_then_shown(connect, cast, within, monkeypatch):
    from releasetrain.exchange import acting

    send = connect("cdevents")
    send(cdevent("service.deployed", "payments", {"environment": {"id": "production"}}))

    def broken(*_):
        raise RuntimeError("the disk is full")

    monkeypatch.setitem(acting.HANDLERS, acting.DeploymentSaid, broken)
    for _ in range(acting.ATTEMPTS):
        with within(cast, "rte"):
            InboundEvent.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
        send.act()
    (event,) = events(cast, within)
    assert (event.state, event.outcome) == ("dead_letter", "RuntimeError: the disk is full")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=12,
)


@given(st.sampled_from(sorted(SIGNED)), JSON)
@hypothesis_settings(max_examples=400, deadline=None, database=None)
def test_no_body_whatever_breaks_a_reader(kind, value):
    """A message is read, or refused with a sentence; nothing else."""
    found = kind_of(kind)
    try:
        for message in found.read({"x-github-event": "deployment_status"}, json.dumps(value).encode(), parse):
            found.shown(message)
            found.meaning(message)
    except (Unreadable, ParseError):
        pass
