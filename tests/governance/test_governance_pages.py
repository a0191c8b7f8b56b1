"""Coverage, decisions and the report as people and programs ask for them: pages, REST and CSV say the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from releasetrain.kernel.clock import now
from tests.governance.story import Story

ROOT = "/o/northwind/"
API = "/api/v1/orgs/northwind/"


@pytest.fixture
def story(cast: Any) -> Any:
    from governance.actions import changes
    from governance.actions.controls import load_starter
    from governance.models import ChangeRequest

    told = Story(cast)
    with told.scope("compliance_officer") as officer:
        load_starter(officer, starter_set="sox-itgc-change")
    with time_machine.travel(told.change.window_starts + timedelta(minutes=5), tick=True):
        with told.scope("release_manager") as manager:
            change = changes.start(manager, told.change)
            changes.complete(manager, change, outcome=ChangeRequest.Outcome.WITH_ISSUES)
        yield told


def test_the_matrix_shows_numbers_and_each_opens_its_rows(story: Any, web: Any) -> None:
    reader = web("auditor")
    page = reader.get(f"{ROOT}control-coverage/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "Changes are authorised before they reach production" in text
    assert "Rests on nothing" in text
    data = reader.get(f"{API}control-coverage?catalogue=sox-itgc-change").json()
    one = next(c for c in data["controls"] if c["code"] == "CM-03")
    for mapping in one["rests_on"]:
        for outcome in ("passed", "failed", "waived", "open"):
            rows = reader.get(
                f"{API}control-coverage/rows?mapping={mapping['mapping']}&outcome={outcome}"
            ).json()
            assert sum(len(r["rows"]) for r in rows["rests_on"]) == mapping[outcome]
    address = f"{ROOT}control-coverage/rows?control={one['control']}"
    assert story.verdict.key in reader.get(address).content.decode()
    assert reader.get(f"{ROOT}controls/{one['control']}/").status_code == 200
    table = reader.get(f"{ROOT}control-coverage/export.csv?state=idle").content.decode()
    assert "incident" in table or "disposal" in table or "rollback-criteria" in table


@pytest.mark.parametrize(
    "query",
    [
        "from=x",
        "from=2026-13-01",
        "from=2026-02-02&until=2026-01-01",
        "state=fine",
        "catalogue=none",
        "from=1000-01-01",
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(story: Any, web: Any, query: str) -> None:
    answer = web("auditor").get(f"{API}control-coverage?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"]


def test_decisions_are_found_by_words_person_kind_and_what_they_are_about(story: Any, web: Any) -> None:
    reader = web("team_member")

    def found(query: str) -> list[Any]:
        return reader.get(f"{API}decisions?{query}").json()["decisions"]

    votes = found("q=green&kind=vote")
    assert {d["verb"] for d in votes} == {"change.vote"}
    assert votes[0]["why"]["rationale"] == "Tests are green."
    assert found("q=test&kind=vote")  # words are found by their stem
    assert found("q=unicorns") == []
    member = story.cast["cab_member"].user_id
    assert {d["by"] for d in found(f"person={member}")} == {str(member)}
    assert found(f"service={story.service.pk}")
    assert any(d["subject"]["id"] == str(story.change.pk) for d in found(f"release={story.release.pk}"))
    early = (now() - timedelta(days=3)).date()
    assert found(f"until={early}") == []
    page = reader.get(f"{ROOT}decisions/?q=green")
    assert "Tests are green." in page.content.decode()
    assert "Tests are green." in reader.get(f"{ROOT}decisions/export.csv?kind=vote").content.decode()


def test_decisions_go_on_where_the_list_ended(story: Any, cast: Any, within: Any) -> None:
    from governance.queries.decisions import Wanted, find

    with within(cast, "auditor") as auditor:
        everything, _ = find(auditor, Wanted(), 500)
        seen, before = [], None
        while True:
            some, before = find(auditor, Wanted(before=before), 2)
            seen += some
            if before is None:
                break
        assert [d.id for d in seen] == [d.id for d in everything]


def test_a_reader_finds_no_decision_about_what_they_may_not_read(
    story: Any, cast: Any, within: Any, monkeypatch: Any
) -> None:
    from dataclasses import replace

    from governance.models import ChangeRequest
    from governance.queries import decisions
    from releasetrain.interface.resources import resource_of

    hidden = replace(resource_of(ChangeRequest), rows=lambda actor: ChangeRequest.objects.none())
    original = decisions.resource_of
    monkeypatch.setattr(decisions, "resource_of", lambda m: hidden if m is ChangeRequest else original(m))
    with within(cast, "auditor") as auditor:
        found, _ = decisions.find(auditor, decisions.Wanted())
        assert not [d for d in found if d.subject_kind == "changerequest"]


def test_the_report_counts_completed_changes_and_opens_them(story: Any, web: Any) -> None:
    reader = web("executive")
    data = reader.get(f"{API}governance-report").json()
    totals = {f["key"]: f for f in data["totals"]}
    assert totals["completed"]["count"] == 1
    assert totals["successful"]["share"] == 0
    assert data["approval"]["changes"] == 1
    assert data["approval"]["median_seconds"] >= 0
    (types,) = (t for t in data["tables"] if t["key"] == "success_by_type")
    normal = {f["key"].split(":")[-1]: f["count"] for f in types["groups"][0]["figures"]}
    assert normal == {"all": 1, "successful": 0, "with_issues": 1, "backed_out": 0}
    page = reader.get(f"{ROOT}governance-report/").content.decode()
    assert "The way to approval" in page
    rows = reader.get(f"{ROOT}governance-report/rows?figure=completed")
    assert story.change.key in rows.content.decode()
    assert reader.get(f"{ROOT}governance-report/rows?figure=magic").status_code == 404
    assert "With issues" in reader.get(f"{ROOT}governance-report/export.csv").content.decode()
    assert reader.get(f"{API}governance-report?train=NONE").status_code == 422


def test_the_report_asks_a_bounded_number_of_questions(
    story: Any, cast: Any, within: Any, django_assert_max_num_queries: Any
) -> None:
    from governance.queries.asked import asked_period
    from governance.queries.governance_report import report

    with within(cast, "auditor"):
        period = asked_period({})
        with django_assert_max_num_queries(12):
            report(period)
