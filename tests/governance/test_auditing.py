"""Populations, samples and conclusions: complete before frozen, drawn the same years later, concluded by others."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError

from governance.actions import auditing as verbs
from governance.models import AuditPopulation, AuditSample, PopulationGap, SampledRow
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)
Kind = AuditPopulation.Kind


@pytest.fixture
def story(cast: Any) -> Story:
    return Story(cast)


def opened(story: Story, kind: str = Kind.DEPLOYMENTS) -> Any:
    with story.scope("auditor") as auditor:
        return verbs.open_population(
            auditor, kind=kind, starts=now() - timedelta(days=30), ends=now(), purpose="SOX 2026"
        )


def gaps(story: Story, population: Any) -> dict[str, int]:
    with story.scope("auditor"):
        found: dict[str, int] = {}
        for gap in PopulationGap.objects.filter(population=population, explanation="", resolved_at=None):
            found[gap.kind] = found.get(gap.kind, 0) + 1
        return found


def explain_all(story: Story, population: Any) -> None:
    for kind in gaps(story, population):
        with story.scope("compliance_officer") as officer:
            verbs.explain_gaps(officer, population, kind=kind, explanation="Known; see the runbook.")


def frozen(story: Story, kind: str = Kind.DEPLOYMENTS) -> Any:
    population = opened(story, kind)
    explain_all(story, population)
    with story.scope("auditor") as auditor:
        return verbs.freeze_population(auditor, AuditPopulation.objects.get(pk=population.pk))


def seen_running(story: Story, version: str, at: Any = None) -> None:
    from trains.models import RuntimeObservation

    with story.scope("service_account"):
        RuntimeObservation.objects.create(
            service=story.service,
            environment=story.production,
            version=version,
            source="cluster",
            observed_at=at or now(),
        )


def test_a_deployment_that_only_the_runtime_saw_keeps_the_population_from_being_frozen(
    db: Any, story: Story
) -> None:
    seen_running(story, "5.2.0")
    seen_running(story, "6.6.6")
    population = opened(story)
    assert gaps(story, population)["unrecorded"] == 1
    with story.scope("auditor") as auditor, pytest.raises(Refused) as refused:
        verbs.freeze_population(auditor, AuditPopulation.objects.get(pk=population.pk))
    assert "Observed at runtime, never recorded as deployed: 1" in refused.value.refusals[0].sentence
    # Recording it late does not make it have been recorded in time; explaining does.
    with story.scope("auditor") as auditor, pytest.raises(Refused, match="does not explain"):
        verbs.explain_gaps(auditor, population, kind="unrecorded", explanation="Fine.")
    explain_all(story, population)
    with story.scope("auditor") as auditor:
        done = verbs.freeze_population(auditor, AuditPopulation.objects.get(pk=population.pk))
    assert (done.state, done.row_count) == ("frozen", 1)
    with story.scope("auditor"):
        gap = PopulationGap.objects.get(kind="unrecorded")
        assert "6.6.6" in gap.label
        assert str(gap.explained_by) == "Compliance Officer"


def test_comparing_again_keeps_explanations_and_notices_what_was_mended(db: Any, story: Story) -> None:
    population = opened(story)
    assert gaps(story, population)["not_watched"] == 1
    with story.scope("compliance_officer") as officer:
        gap = PopulationGap.objects.get(kind="not_watched")
        verbs.explain_gap(officer, gap, explanation="The agent comes next month.")
    seen_running(story, "5.2.0", story.deployment.started_at + timedelta(microseconds=1))
    with story.scope("auditor") as auditor:
        later = verbs.reconcile_population(auditor, AuditPopulation.objects.get(pk=population.pk))
        gap.refresh_from_db()
        assert gap.resolved_at
        assert gap.explanation
        assert [s["rows"] for s in later.sources[:2]] == [1, 1]
    assert "not_watched" not in gaps(story, population)


def test_frozen_rows_are_published_by_digest_and_never_change(
    db: Any, story: Story, web: Any, api: Any
) -> None:
    population = frozen(story)
    taken = web("auditor").get(f"/o/northwind/audit-populations/{population.key}/rows")
    content = b"".join(taken.streaming_content)
    assert "sha256:" + hashlib.sha256(content).hexdigest() == population.row_digest
    row = json.loads(content)
    assert (row["version"], row["authorised"], row["emergency"]) == ("5.2.0", False, False) or row["change"]
    rest = api("auditor").get(f"/api/v1/orgs/northwind/audit-populations/{population.key}/rows")
    assert b"".join(rest.streaming_content) == content
    assert web("team_member").get(f"/o/northwind/audit-populations/{population.key}/rows").status_code == 403
    story.deploy(story.release, "5.2.1")
    with story.scope("auditor"):
        kept = AuditPopulation.objects.get(pk=population.pk)
        assert kept.row_digest == population.row_digest
        for change in ({"row_count": 9}, {"state": "open"}, {"row_digest": "sha256:" + "0" * 64}):
            with pytest.raises(DatabaseError, match="never changes"), story.scope("auditor"):
                AuditPopulation.objects.filter(pk=population.pk).update(**change)


def test_the_same_seed_draws_the_same_rows_years_later(db: Any, story: Story) -> None:
    for number in range(1, 30):
        story.deploy(story.release, f"5.2.{number}")
    population = frozen(story)
    with story.scope("auditor") as auditor:
        first = verbs.draw_sample(auditor, population=population, size=7, seed="letter of 12 May")
    with time_machine.travel(now() + timedelta(days=7 * 365)), story.scope("auditor") as auditor:
        again = verbs.draw_sample(
            auditor, population=AuditPopulation.objects.get(pk=population.pk), size=7, seed="letter of 12 May"
        )
        other = verbs.draw_sample(auditor, population=population, size=7)
    assert again.digest == first.digest
    assert other.digest != first.digest
    assert len(other.seed) == 16
    with story.scope("auditor"):
        rows = [r.subject_id for r in first.rows.all()]
        assert rows == [r.subject_id for r in again.rows.all()]
        assert len(rows) == 7
        with pytest.raises(DatabaseError, match="was drawn never changes"), story.scope("auditor"):
            AuditSample.objects.filter(pk=first.pk).update(seed="another")
        with pytest.raises(DatabaseError, match="was drawn never changes"), story.scope("auditor"):
            SampledRow.objects.filter(sample=first, position=1).update(subject_id=rows[1])


def test_each_row_shows_its_chain_and_is_concluded_by_somebody_who_had_no_hand_in_it(
    db: Any, story: Story, web: Any
) -> None:
    population = frozen(story, Kind.CHANGES)
    with story.scope("auditor") as auditor:
        sample = verbs.draw_sample(auditor, population=population, size=5)
        row = sample.rows.get()
    page = web("auditor").get(f"/o/northwind/sampled-rows/{row.pk}/").content.decode()
    for expected in (
        "Chain of evidence",
        "Approval",
        "2 of 2 votes approve",
        "Nobody who approved it had a hand in it.",
    ):
        assert expected in page
    with story.scope("release_manager") as author, pytest.raises(Refused, match="had a hand"):
        verbs.conclude_row(author, row, conclusion="pass")
    with story.scope("auditor") as auditor:
        with pytest.raises(Refused, match="not concluded"):
            verbs.conclude_sample(auditor, sample, conclusion="effective", summary="Fine.")
        with pytest.raises(Refused, match="what is wrong"):
            verbs.conclude_row(auditor, row, conclusion="exception")
        verbs.conclude_row(auditor, row, conclusion="exception", note="Approved after it was deployed.")
        with pytest.raises(Refused, match="does not show"):
            verbs.conclude_sample(auditor, sample, conclusion="effective", summary="Fine.")
        done = verbs.conclude_sample(auditor, sample, conclusion="exceptions", summary="One of one.")
        row.refresh_from_db()
        assert row.chain
        assert done.state == "concluded"
        with pytest.raises(Refused, match="is concluded"):
            verbs.conclude_row(auditor, row, conclusion="pass")
    with pytest.raises(DatabaseError, match="concluded sample never change"), story.scope("auditor"):
        SampledRow.objects.filter(pk=row.pk).update(conclusion="pass")


def test_every_kind_of_population_is_drawn_from(db: Any, story: Story) -> None:
    with story.scope("auditor"):
        from governance.models import ChangeRequest

        assert ChangeRequest.objects.count() == 1
    population = opened(story, Kind.CHANGES)
    assert gaps(story, population) == {}
    for kind in (Kind.RELEASES, Kind.WAIVERS):
        empty = opened(story, kind)
        with story.scope("auditor") as auditor, pytest.raises(Refused, match="nothing can be drawn"):
            verbs.freeze_population(auditor, empty)


def test_a_record_that_is_gone_although_the_ledger_has_it_is_listed(db: Any, story: Story) -> None:
    from releasetrain.audit import ledger

    class Ghost:
        pk = "0192aaaa-0000-7000-8000-000000000001"

        class _meta:  # noqa: N801 - as models have it
            model_name = "changerequest"

        def __str__(self) -> str:
            return "CHG-99 removed past the product"

    with story.scope("auditor") as auditor:
        ledger.append(auditor, "change.create", Ghost(), {})
    assert gaps(story, opened(story, Kind.CHANGES)) == {"no_record": 1}


def test_a_sample_travels_as_a_package(committed_db: Any, story: Story) -> None:
    from governance.evidence.work import work_off

    population = frozen(story)
    with story.scope("auditor") as auditor:
        sample = verbs.draw_sample(auditor, population=population, size=1, seed="s")
        verbs.conclude_row(auditor, sample.rows.get(), conclusion="pass", note="Seen.")
        package = verbs.build_sample_evidence(auditor, sample)
    work_off(story.cast.organization.pk, package.pk)
    package = story.again(package)
    assert (package.state, package.error) == ("done", "")
    with zipfile.ZipFile(story.path(package)) as archive:
        records = json.loads(archive.read("records.json"))["records"]
        kinds = {r["kind"] for r in records}
        assert {
            "auditpopulation",
            "populationgap",
            "auditsample",
            "sampledrow",
            "deployment",
            "release",
        } <= kinds
        frozen_rows = archive.read(f"files/{population.row_digest.removeprefix('sha256:')}.jsonl")
    assert json.loads(frozen_rows)["version"] == "5.2.0"


def test_bad_questions_are_refused_with_their_field(db: Any, story: Story, api: Any) -> None:
    url = "/api/v1/orgs/northwind/audit-populations"
    client = api("auditor")
    past = {"kind": "deployments", "starts": "2026-03-01T00:00Z", "ends": "2026-04-01T00:00Z"}
    wrong = client.post(
        f"{url}/open", {"kind": "deployments", "starts": "2026-05-01T00:00Z", "ends": "2026-04-01T00:00Z"}
    )
    assert wrong.status_code == 422, wrong.content
    future = client.post(
        f"{url}/open", {"kind": "deployments", "starts": "2026-05-01T00:00Z", "ends": "2099-04-01T00:00Z"}
    )
    assert future.status_code == 422
    population = opened(story)
    draw = client.post("/api/v1/orgs/northwind/audit-samples/draw", {"population": population.key})
    assert (draw.status_code, draw.json()["code"]) == (409, "population.not_frozen")
    assert api("team_member").post(f"{url}/open", past).status_code == 403


def test_pages_answer_without_a_query_per_row(
    db: Any, story: Story, web: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(1, 12):
        story.deploy(story.release, f"5.2.{number}")
    population = opened(story)
    auditor = web("auditor")
    with django_assert_max_num_queries(45):
        assert b"not explained" in auditor.get(f"/o/northwind/audit-populations/{population.key}/").content
    population = frozen(story)
    with story.scope("auditor") as actor:
        sample = verbs.draw_sample(actor, population=population, size=10)
    with django_assert_max_num_queries(45):
        assert b"Draw it again" in auditor.get(f"/o/northwind/audit-samples/{sample.key}/").content
    with django_assert_max_num_queries(60):
        assert population.key.encode() in auditor.get("/o/northwind/auditor/").content
