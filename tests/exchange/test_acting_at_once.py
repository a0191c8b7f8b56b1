"""Events acted upon at once come to the same as one by one: whatever is said, in whatever order, and however wrong."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import psycopg2.errors
import pytest
from django.db import OperationalError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from governance.models import InputChange, Result
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange import acting, acting_at_once
from releasetrain.exchange.actions.events import connect
from releasetrain.exchange.intake import take
from releasetrain.exchange.models import EventSource, InboundEvent
from releasetrain.exchange.rules.events import DeploymentSaid
from releasetrain.interface.models import SearchNote
from releasetrain.interface.search import find
from releasetrain.interface.searching.indexing import index_noted
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refusal, Refused
from trains.actions import reports_at_once
from trains.actions.environments import create_environment
from trains.actions.services import create_service
from trains.actions.teams import create_team
from trains.actions.trains import create_train
from trains.models import Artifact, Deployment, Environment

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 20, 10, tzinfo=UTC)
DIGESTS = [f"{n}" * 64 for n in "abc"]


@pytest.fixture
def source(cast, within):
    """A sender of CDEvents and CloudEvents, and two services for it to speak of."""
    with within(cast, "owner") as actor:
        train = create_train(actor, key="RAIL", name="Rails", cadence_start=date(2027, 1, 4))
        team = create_team(actor, train=train, code="SIG", name="Signals")
        for name in ("payments", "ledger"):
            create_service(actor, train=train, team=team, name=name)
        for name, kind in (("production", "production"), ("staging", "staging")):
            if not Environment.objects.filter(name=name).exists():
                create_environment(actor, name=name, kind=Environment.Kind(kind))
        made = connect(actor, name="pipelines", kind="cloudevents", secret="a secret of many characters")
        return EventSource.objects.get(pk=made["id"])


services = st.sampled_from(["payments", "payments", "ledger", "nobody"])
environments = st.sampled_from(["staging", "staging", "production", "nowhere"])
moments = st.integers(0, 40).map(lambda minutes: (START + timedelta(minutes=minutes)).isoformat())
chains = st.sampled_from(["", "one", "two"])


@st.composite
def purls(draw):
    version = draw(st.sampled_from(["", "?tag=1.0", "?tag=1.1"]))
    return f"pkg:oci/{draw(services)}@sha256%3A{draw(st.sampled_from(DIGESTS))}{version}"


@st.composite
def cd_events(draw):
    """What a pipeline says by CDEvents."""
    kind = draw(
        st.sampled_from(
            [
                "artifact.packaged",
                "testsuiterun.finished",
                "service.deployed",
                "service.rolledback",
                "build.started",
            ]
        )
    )
    content = {"environment": {"id": draw(environments)}}
    if kind.startswith("testsuiterun"):
        content |= {"outcome": draw(st.sampled_from(["success", "failure"])), "testSuite": {"id": "unit"}}
    if draw(st.booleans()):
        content["artifactId"] = draw(purls())
    return {
        "context": {
            "version": "0.4.1",
            "id": str(draw(st.integers(0, 30))),
            "source": "/ci",
            "type": f"dev.cdevents.{kind}.0.2.0",
            "timestamp": draw(moments),
            "chainId": draw(chains),
        },
        "subject": {
            "id": draw(purls()) if kind.startswith("artifact") else draw(services),
            "content": content,
        },
    }


@st.composite
def own_events(draw):
    """A deployment in plain words, whose start and end are two events."""
    status = draw(st.sampled_from(["succeeded", "succeeded", "failed", "running", "nonsense"]))
    return {
        "specversion": "1.0",
        "id": str(draw(st.integers(0, 30))),
        "source": "/own",
        "type": "releasetrain.deployment",
        "time": draw(moments),
        "data": {
            "service": draw(services),
            "environment": draw(environments),
            "status": status,
            "external_id": draw(st.sampled_from(["", "d1", "d2", "d3"])),
            "version": draw(st.sampled_from(["", "1.0", "1.1"])),
            "digest": draw(st.sampled_from(["", f"sha256:{DIGESTS[0]}", "sha256:short"])),
            "kind": draw(st.sampled_from(["deploy", "deploy", "rollback"])),
        },
    }


def inside(event):
    if "specversion" in event:
        return event
    context = event["context"]
    return {
        "specversion": "1.0",
        "id": context["id"],
        "source": "/ci",
        "type": context["type"],
        "time": context["timestamp"],
        "data": event,
    }


def deliver(source, sent, chunk):
    for start in range(0, len(sent), chunk):
        body = json.dumps([inside(each) for each in sent[start : start + chunk]]).encode()
        take(source, {"content-type": "application/cloudevents-batch+json"}, body)


def rounds(organization):
    """Until nothing waits any more: what has to wait is due again at once."""
    for _ in range(acting.ATTEMPTS + 1):
        InboundEvent.objects.filter(state="received").update(due_at=now())
        if not acting.act_on_due(organization):
            return


def outcome():
    """Everything that is on record, without what differs between any two runs."""
    return {
        "builds": set(
            Artifact.objects.values_list("digest", "version", "commit", "builder", "built_at", "service__name")
        ),
        "results": Counter(
            Result.objects.values_list("artifact__digest", "stream", "digest", "source", "name", "format", "run_url")
        ),
        "deployments": set(
            Deployment.objects.values_list(
                "source", "external_id", "state", "outcome", "started_at", "finished_at", "version", "kind",
                "artifact__digest", "service__name", "environment__name", "deployed_by_name", "deployed_by",
                "rolls_back__external_id", "restores__external_id",
            )
        ),
        "events": {
            e.event_id: (e.state, e.outcome, e.attempts, [(m["kind"], m["label"]) for m in e.made])
            for e in InboundEvent.objects.all()
        },
        "ledger": Counter(
            (e.verb, e.subject_label, said["actor"]["name"], said["reason"], json.dumps(plain(said), sort_keys=True))
            for e in LedgerEntry.objects.filter(verb__in=["artifact.register", "result.post", "deployment.record"])
            for said in [json.loads(e.body)]
        ),
        "history": (Artifact.history.count(), Deployment.history.count()),
        "verdicts fall for": InputChange.objects.values("subject").distinct().count(),
    }  # fmt: skip


def plain(said):
    return {
        name: value.get("label") if isinstance(value, dict) and "label" in value else value
        for name, value in said["payload"]["params"].items()
    }


def run(source, sent, chunk, monkeypatch, *, at_once):
    """What comes of it; afterwards everything is as before."""
    try:
        with transaction.atomic():
            with monkeypatch.context() as patched:
                if not at_once:
                    patched.setattr(acting_at_once, "act_on_plain", lambda *_: None)
                    patched.setattr(acting, "_FEW", acting.BATCH)
                deliver(source, sent, chunk)
                rounds(source.organization_id)
                found = outcome()
            raise _Undone
    except _Undone:
        return found


class _Undone(Exception):
    pass


@pytest.mark.filterwarnings("ignore")
def test_at_once_and_one_by_one_come_to_the_same(source, cast, within, monkeypatch):
    seen = Counter()

    @hypothesis_settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(
        sent=st.lists(st.one_of(cd_events(), cd_events(), own_events()), min_size=1, max_size=14),
        chunk=st.integers(1, 14),
    )
    def alike(sent, chunk):
        with within(cast, "owner"):
            at_once = run(source, sent, chunk, monkeypatch, at_once=True)
            assert at_once == run(source, sent, chunk, monkeypatch, at_once=False)
            seen.update(state for state, *_ in at_once["events"].values())
            seen.update(verb for verb, *_ in at_once["ledger"])

    alike()
    assert {"done", "kept", "dead_letter", "artifact.register", "result.post", "deployment.record"} <= set(
        seen
    )


def chain(build, service="payments"):
    digest = f"{build:064x}"
    purl = f"pkg:oci/{service}@sha256%3A{digest}?tag=2.{build}"
    for step, subject, content in (
        ("artifact.packaged", purl, {}),
        ("testsuiterun.finished", "run", {"outcome": "success", "testSuite": {"id": "unit"}}),
        ("service.deployed", service, {"environment": {"id": "staging"}, "artifactId": purl}),
    ):
        yield {
            "context": {
                "version": "0.4.1",
                "id": f"{build}-{step}",
                "source": "/ci",
                "type": f"dev.cdevents.{step}.0.2.0",
                "timestamp": START.isoformat(),
                "chainId": f"chain {build}",
            },
            "subject": {"id": subject, "content": content},
        }


def test_many_builds_cost_no_more_questions_than_few(source, cast, within, django_assert_max_num_queries):
    sent = [event for build in range(60) for event in chain(build)]
    with within(cast, "owner"):
        deliver(source, sent, 500)
        with django_assert_max_num_queries(60):
            assert acting.act_on_due(source.organization_id) == 180
        assert set(InboundEvent.objects.values_list("state", "attempts")) == {("done", 1)}
        assert Deployment.objects.filter(artifact__results__kind="tests").count() == 60


def test_what_fails_at_once_is_done_one_by_one(source, cast, within, monkeypatch):
    """Somebody registers the same build in the same moment: nothing of it is lost, and nothing is done by halves."""

    def refuse(*_):
        raise Refused(Refusal("database.artifact_digest_once", "Another worker was first."))

    monkeypatch.setattr(reports_at_once, "record_many_ended", refuse)
    with within(cast, "owner"):
        deliver(source, list(chain(1)), 10)
        acting.act_on_due(source.organization_id)
        assert list(InboundEvent.objects.values_list("state", "attempts")) == [("done", 1)] * 3
        assert (Artifact.objects.count(), Result.objects.count(), Deployment.objects.count()) == (1, 1, 1)
        assert Counter(LedgerEntry.objects.filter(verb="artifact.register").values_list("verb")).total() == 1


@pytest.mark.parametrize("alone", [False, True])
def test_when_the_database_ends_it_for_anothers_sake_all_of_it_is_done_once_more(
    source, cast, within, monkeypatch, alone
):
    """A deadlock is nobody's fault: no event is put aside for it, and no lock is kept while others are tried again."""
    tried = []

    def once(work):
        def tries(*given):
            tried.append(given)
            if len(tried) == 1:
                deadlock = psycopg2.errors.DeadlockDetected()
                deadlock.__setstate__({"pgcode": "40P01"})
                raise OperationalError("deadlock detected") from deadlock
            return work(*given)

        return tries

    if alone:
        monkeypatch.setattr(acting_at_once, "act_on_plain", lambda *_: None)
        monkeypatch.setitem(acting.HANDLERS, DeploymentSaid, once(acting.HANDLERS[DeploymentSaid]))
    else:
        monkeypatch.setattr(reports_at_once, "record_many_ended", once(reports_at_once.record_many_ended))
    with within(cast, "owner"):
        deliver(source, [event for build in range(9) for event in chain(build)], 100)
        assert acting.act_on_due(source.organization_id) == 27
        assert set(InboundEvent.objects.values_list("state", "attempts")) == {("done", 1)}
        assert len(tried) == (10 if alone else 2)
        assert LedgerEntry.objects.filter(verb="artifact.register").count() == 9
        tried.clear()
        monkeypatch.setattr(acting, "TRIES", 1)
        deliver(source, list(chain(10)), 100)
        with pytest.raises(OperationalError):
            acting.act_on_due(source.organization_id)


def test_a_run_that_arrives_before_its_build_waits_for_it(source, cast, within):
    built, ran, _ = chain(1)
    with within(cast, "owner"):
        ran["subject"]["content"]["artifactId"] = built["subject"]["id"]
        deliver(source, [ran], 1)
        acting.act_on_due(source.organization_id)
        assert InboundEvent.objects.get().outcome == "No artifact with this digest is registered yet."
        deliver(source, [built], 1)
        rounds(source.organization_id)
        assert Result.objects.get().artifact.version == "2.1"


def test_one_poisonous_event_among_many_is_put_aside_and_the_rest_lands(source, cast, within, monkeypatch):
    """Its text cannot be stored as a version: the database's driver refuses it, whoever sends it along with whatever."""
    poison = next(iter(chain(500)))
    poison["subject"]["id"] = poison["subject"]["id"].replace("tag=2.500", "tag=2.%00")
    sent = [event for build in range(60) for event in chain(build)]
    sent.insert(70, poison)
    one_by_one = []
    act = acting.act
    monkeypatch.setattr(acting, "act", lambda event, places: (one_by_one.append(event), act(event, places)))
    with within(cast, "owner"):
        deliver(source, sent, 500)
        assert acting.act_on_due(source.organization_id) == 181
        done = InboundEvent.objects.filter(state="done")
        assert (done.count(), Deployment.objects.count(), Result.objects.count()) == (180, 60, 60)
        assert Counter(LedgerEntry.objects.values_list("verb", flat=True))["artifact.register"] == 60
        # The halves without it went at once.
        assert len(one_by_one) <= acting._FEW
        waiting = InboundEvent.objects.get(state="received")
        assert (waiting.event_id.split()[0], waiting.attempts) == ("500-artifact.packaged", 1)
        rounds(source.organization_id)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.attempts) == ("dead_letter", acting.ATTEMPTS)
        assert "NUL" in waiting.outcome
        # What its sender says anew is acted upon: the dead letter holds up nobody.
        deliver(source, list(chain(501)), 10)
        acting.act_on_due(source.organization_id)
        assert Deployment.objects.count() == 61


def test_search_takes_an_event_in_when_it_has_been_acted_upon(source, cast, within):
    """Twice, as it comes and as it is acted upon, would double what the index costs."""
    with within(cast, "owner") as actor:
        deliver(source, list(chain(7)), 10)
        notes = SearchNote.objects.filter(kind="inboundevent")
        assert notes.count() == 0
        acting.act_on_due(source.organization_id)
        assert notes.count() == 3
        assert index_noted() > 0
        assert {hit.label.split(" of ")[0] for _, hits in find(actor, "packaged") for hit in hits} == {
            "dev.cdevents.artifact.packaged.0.2.0"
        }


def test_sent_again_it_is_not_new(source, cast, within):
    headers = {"content-type": "application/cloudevents-batch+json"}
    first, more = (json.dumps([inside(e) for e in each]).encode() for each in (
        list(chain(1)), [*chain(1), *chain(2), *chain(2)]
    ))  # fmt: skip
    with within(cast, "owner"):
        assert (take(source, headers, first).new, take(source, headers, more).new) == (3, 3)
        assert InboundEvent.objects.count() == 6
