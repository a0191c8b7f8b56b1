"""OSCAL assessment results: valid by the published models, the same twice, honest about what was not assessed."""

from __future__ import annotations

import dataclasses
import json
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.rules import oscal
from governance.rules.oscal import About, Assessed, Basis, Item
from releasetrain.kernel.clock import now
from tests.governance.story import Story

pytestmark = pytest.mark.timeout(300)

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
ABOUT = About(
    uuid.UUID(int=7), "Northwind Bank", "control/1", "Control CM-3", AT - timedelta(days=90), AT, AT
)

text = st.text(max_size=30)
items = st.builds(
    Item,
    id=st.uuids().map(lambda u: f"evaluation:{u}"),
    title=text,
    outcome=st.sampled_from(["passed", "failed", "waived", "open"]),
    at=st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    said=text,
    digest=st.sampled_from(["", "sha256:" + "0" * 64]),
    href=st.sampled_from(["", "../records.json"]),
)
bases = st.builds(
    Basis,
    id=text,
    title=text,
    method=st.sampled_from(["TEST", "EXAMINE", "INTERVIEW"]),
    rationale=text,
    items=st.lists(items, max_size=4, unique_by=lambda i: i.id),
    expected=st.booleans(),
)
controls = st.lists(
    st.builds(Assessed, text, text, text, st.lists(bases, max_size=3, unique_by=lambda b: b.id)), max_size=4
)


def valid(results: dict[str, Any] | None, plan: dict[str, Any]) -> None:
    """By the models that are generated from NIST's JSON schema: unknown fields, patterns and required ones included."""
    models = pytest.importorskip("oscal_bindings.v1.models")
    if results is not None:
        models.AssessmentResultsDocument.model_validate_json(json.dumps(results))
    models.AssessmentPlanDocument.model_validate_json(json.dumps(plan))


def findings(*given_: Assessed) -> dict[str, str]:
    found = oscal.results(ABOUT, given_, "plan")
    if found is None:
        return {}
    result = found["assessment-results"]["results"][0]
    return {f["target"]["target-id"]: f["target"]["status"]["state"] for f in result.get("findings", [])}


@settings(max_examples=40, deadline=None)
@given(controls.filter(bool))
def test_whatever_was_found_makes_valid_files(given_: list[Assessed]) -> None:
    results, plan = oscal.results(ABOUT, given_, "assessment-plan.json"), oscal.plan(ABOUT, given_)
    valid(results, plan)
    assert json.dumps(results) == json.dumps(oscal.results(ABOUT, given_, "assessment-plan.json"))
    if results is None:
        assert not any(c.reviewed for c in given_)
        return
    result = results["assessment-results"]["results"][0]
    satisfied = [f for f in result.get("findings", []) if f["target"]["status"]["state"] == "satisfied"]
    assert len(result.get("findings", [])) == sum(c.reviewed for c in given_)
    assert len(satisfied) == sum(
        c.reviewed and all(i.outcome == "passed" for b in c.bases for i in b.items)
        and all(b.items for b in c.bases if b.expected)
        for c in given_
    )  # fmt: skip


def of(identifier: str, *names: str) -> Assessed:
    return Assessed(
        identifier,
        "Configuration change control",
        "NIST",
        [Basis(n, n, "TEST", "", [Item(f"evaluation:{n}", n, "passed", AT)]) for n in names],
    )


def test_removing_one_piece_of_evidence_flips_exactly_one_finding() -> None:
    given_ = [
        of("cm-3", "tests", "scans"),
        of("cm-4", "approval", "window"),
        of("si-2", "composition", "patching"),
    ]
    before = findings(*given_)
    assert set(before.values()) == {"satisfied"}
    for control in given_:
        for basis in control.bases:
            left = [b if b.id != basis.id else dataclasses.replace(b, items=()) for b in control.bases]
            after = findings(*[c if c is not control else dataclasses.replace(c, bases=left) for c in given_])
            changed = {ident for ident in before if before[ident] != after.get(ident)}
            assert changed == {control.identifier}
            assert after[control.identifier] == "not-satisfied"


def test_what_was_not_assessed_is_left_out_and_named() -> None:
    idle = Assessed("ac-1", "Policy", "NIST", [Basis("x", "x", "TEST", "")])
    result = oscal.results(ABOUT, [of("cm-3", "tests"), idle], "p")["assessment-results"]["results"][0]
    included = result["reviewed-controls"]["control-selections"][0]["include-controls"]
    assert included == [{"control-id": "cm-3"}]
    assert findings(of("cm-3", "tests"), idle) == {"cm-3": "satisfied"}
    assert "ac-1" in result["remarks"]
    assert oscal.results(ABOUT, [idle], "p") is None
    valid(None, oscal.plan(ABOUT, [idle]))


def test_what_failed_is_never_left_out_of_a_long_list() -> None:
    many = [Item(f"e:{n}", "t", "passed", AT) for n in range(3000)] + [Item("e:bad", "t", "failed", AT)]
    result = oscal.results(ABOUT, [Assessed("cm-3", "t", "c", [Basis("b", "b", "TEST", "", many)])], "p")
    observations = result["assessment-results"]["results"][0]["observations"]
    assert len(observations) == oscal.MOST_OBSERVATIONS + 1
    assert "2001 further pieces" in observations[-1]["description"]
    assert [
        o for o in observations if {"name": "outcome", "ns": oscal.NAMESPACE, "value": "failed"} in o["props"]
    ]


# --- in packages -------------------------------------------------------------------------------------------------


@pytest.fixture
def mapped(committed_db: Any, cast: Any) -> tuple[Story, dict[str, Any]]:
    from governance.actions.controls import import_catalogue, map_control
    from governance.models import Control, ControlMapping
    from releasetrain.kernel.fields import Upload

    story = Story(cast)
    rows = b"identifier,title\ncm-3,Change control\ncm-4,Impact analysis\nac-1,Policy\n"
    with story.scope("compliance_officer") as officer:
        import_catalogue(officer, file=Upload("t.csv", rows), code="house", version="1")
        found = {c.identifier: c for c in Control.objects.all()}
        kind = ControlMapping.Kind
        for identifier, what, target in (
            ("cm-3", kind.CHECK, "test-results"),
            ("cm-3", kind.VERB, "change.vote"),
            ("cm-4", kind.VERB, "incident_plan.record_drill"),
        ):
            map_control(officer, found[identifier], kind=what, target=target, rationale="It shows.")
    return story, found


def read(story: Story, package: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    assert (package.state, package.error) == ("done", "")
    with zipfile.ZipFile(story.path(package)) as archive:
        there = "oscal/assessment-results.json" in archive.namelist()
        results = json.loads(archive.read("oscal/assessment-results.json")) if there else None
        plan = json.loads(archive.read("oscal/assessment-plan.json"))
        manifest = json.loads(archive.read("manifest.json"))
    valid(results, plan)
    return results["assessment-results"]["results"][0] if results else {}, plan, manifest


def test_a_package_of_a_control_and_a_period(mapped: Any, tmp_path: Any) -> None:
    story, found = mapped
    span = {"starts": now() - timedelta(days=30), "ends": now()}
    package = story.built(role="compliance_officer", control=found["cm-3"], **span)
    result, _, manifest = read(story, package)
    assert package.label.startswith("CM-3 Change control, ")
    digests = {row["id"]: row["digest"] for row in manifest["records"]}
    kinds = {ident.partition(":")[0] for ident in digests}
    assert {"control", "controlmapping", "controlcatalogue", "evaluation", "changerequest", "vote"} <= kinds
    (finding,) = result["findings"]
    states = {"cm-3": finding["target"]["status"]["state"]}
    verdict = next(o for o in result["observations"] if o["props"][0]["value"] == "check test-results")
    assert states == {"cm-3": "satisfied"}, finding["description"]
    # Each observation carries the digest of the very record in this package.
    assert {p["value"] for p in verdict["props"] if p["name"] == "record-digest"} <= set(digests.values())
    assert result["start"].startswith(span["starts"].isoformat()[:10])
    again = story.built(role="compliance_officer", control=found["cm-3"], **span)
    assert again.file.digest == package.file.digest
    assert again.version == 2
    # Before anything happened, nothing was assessed: no finding, and the control is not among the reviewed ones.
    early = {"starts": now() - timedelta(days=90), "ends": now() - timedelta(days=60)}
    nothing, _, _ = read(story, story.built(role="compliance_officer", control=found["cm-3"], **early))
    assert nothing == {}


def test_without_a_period_and_of_a_release(mapped: Any) -> None:
    story, found = mapped
    result, _, _ = read(story, story.built(role="compliance_officer", control=found["cm-3"]))
    assert len(result["findings"]) == 1
    nothing, _, _ = read(story, story.built(role="compliance_officer", control=found["ac-1"]))
    assert nothing == {}
    # A release's package says what its gates show about the controls that rest on their checks.
    result, plan, _ = read(story, story.built())
    assert {f["target"]["target-id"]: f["target"]["status"]["state"] for f in result["findings"]} == {
        "cm-3": "satisfied"
    }
    assert "cm-4" not in json.dumps(plan)


def test_packages_that_concern_no_control_have_no_such_file(committed_db: Any, cast: Any) -> None:
    story = Story(cast)
    with zipfile.ZipFile(story.path(story.built())) as archive:
        assert not [name for name in archive.namelist() if name.startswith("oscal/")]


def test_a_period_goes_with_a_control_and_with_nothing_else(mapped: Any, api: Any) -> None:
    story, found = mapped
    span = {"starts": "2026-01-01T00:00Z", "ends": "2026-02-01T00:00Z"}
    client = api("compliance_officer")
    url = "/api/v1/orgs/northwind/evidence/request"
    assert client.post(url, {"release": story.release.key, **span}).status_code == 422
    assert client.post(url, {"control": str(found["cm-3"].pk), "ends": span["ends"]}).status_code == 422
    made = client.post(url, {"control": str(found["cm-3"].pk), **span})
    assert made.status_code in (200, 201), made.content
    assert (
        client.post(url, {"control": str(found["cm-3"].pk), "release": story.release.key}).status_code == 422
    )
