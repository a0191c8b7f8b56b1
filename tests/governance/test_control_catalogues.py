"""Catalogues of controls: imported whole or not at all, again without effect; starters in our words; baselines."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance.rules.catalogues import CatalogueFaults, read_catalogue
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused


def oscal(*controls: dict[str, Any], version: str = "1.0") -> bytes:
    catalog = {
        "uuid": "11111111-2222-4333-8444-555555555555",
        "metadata": {"title": "House rules", "version": version},
        "groups": [{"id": "cm", "title": "Configuration", "controls": list(controls)}],
    }
    return json.dumps({"catalog": catalog}).encode()


def control(identifier: str, title: str = "Something", **more: Any) -> dict[str, Any]:
    return {"id": identifier, "title": title, **more}


def load(cast: Any, within: Any, content: bytes, code: str = "house-rules", **more: Any) -> Any:
    from governance.actions.controls import import_catalogue

    with within(cast, "compliance_officer") as officer:
        return import_catalogue(officer, file=Upload("rules.json", content), code=code, **more)


def test_an_oscal_catalogue_comes_in_with_groups_parts_and_parameters(cast: Any, within: Any) -> None:
    from governance.models import Control

    part = control(
        "cm-3",
        "Change control",
        props=[{"name": "label", "class": "sp800-53a", "value": "CM-03"}, {"name": "label", "value": "CM-3"}],
        params=[
            {"id": "cm-3_prm_1", "label": "time period"},
            {"id": "cm-3_prm_2", "select": {"choice": ["daily", "within {{ insert: param, cm-3_prm_1 }}"]}},
        ],
        parts=[
            {
                "name": "statement",
                "prose": "Changes are:",
                "parts": [
                    {
                        "name": "item",
                        "props": [{"name": "label", "value": "a."}],
                        "prose": "kept for {{ insert: param, cm-3_prm_1 }};",
                    },
                    {
                        "name": "item",
                        "props": [{"name": "label", "value": "b."}],
                        "prose": "seen {{ insert: param, cm-3_prm_2 }}.",
                    },
                ],
            },
            {"name": "guidance", "prose": "Not part of the requirement."},
        ],
        controls=[control("cm-3.1", "Automation", props=[{"name": "status", "value": "withdrawn"}])],
    )
    catalogue = load(cast, within, oscal(part))
    assert (catalogue.title, catalogue.version) == ("House rules", "1.0")
    with within(cast, "auditor"):
        first, second = Control.objects.filter(catalogue=catalogue)
    assert (first.code, first.group) == ("CM-3", "Configuration")
    assert first.statement == (
        "Changes are:\na. kept for [time period];\nb. seen [daily; within [time period]]."
    )
    assert (second.parent_id, second.withdrawn, second.code) == (first.pk, True, "CM-3.1")


def test_the_same_file_again_changes_nothing_and_a_newer_one_withdraws_what_is_gone(
    cast: Any, within: Any
) -> None:
    from governance.models import Control

    first = load(cast, within, oscal(control("a-1"), control("a-2")))
    again = load(cast, within, oscal(control("a-1"), control("a-2")))
    assert again.row_version == first.row_version
    load(cast, within, oscal(control("a-1", "Better"), control("a-3")))
    with within(cast, "auditor"):
        rows = {c.identifier: c for c in Control.objects.filter(catalogue=first)}
        assert {i: c.withdrawn for i, c in rows.items()} == {"a-1": False, "a-2": True, "a-3": False}
        assert rows["a-1"].title == "Better"
        assert rows["a-1"].history.count() == 2
        assert rows["a-3"].history.count() == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "No column names the controls"),
        (b"{", "no JSON"),
        (b'{"catalog": []}', "must be an object"),
        (b'{"profile": {}}', "a selection from a catalogue"),
        (b'{"assessment-plan": {}}', "no catalogue"),
        (b'{"catalog": {"controls": {}}}', "must be a list"),
        (b'{"catalog": {"controls": [1]}}', "/catalog/controls/0: It must be an object."),
        (oscal(), "holds no controls"),
        (oscal(control("x"), control("x")), "/catalog/groups/0/controls/1: x is there already"),
        (oscal(control("", "Nameless")), "It has no identifier"),
        (oscal(control("x", "")), "neither title nor text"),
        (oscal(control("x", "t" * 301)), "longer than 300"),
        (b"identifier,title,parent\nA,One,B\n", "row 2: It is part of B, which is not in the file."),
        (b"identifier,title,parent\nA,One,B\nB,Two,A\n", "part of itself by way of"),
        (b"identifier,title\nA,One,two,three\n", "row 2: It has 4 cells, the header 2."),
        (b"name\nOne\n", "No column names the controls"),
        ("identifier,title\nA,Zoë\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_whole_with_the_place(
    cast: Any, within: Any, content: bytes, said: str
) -> None:
    from governance.models import ControlCatalogue

    with pytest.raises(Refused) as refused:
        load(cast, within, content)
    assert said in " ".join(r.sentence for r in refused.value.refusals)
    assert all(r.field == "file" and r.status == 422 for r in refused.value.refusals)
    with within(cast, "auditor"):
        assert not ControlCatalogue.objects.exists()


def test_a_csv_file_comes_in_with_its_parents_in_any_order(cast: Any, within: Any) -> None:
    from governance.models import Control

    rows = "Control ID;Name;Description;Family;Parent\nX-1.1;Part;Do it;Ops;X-1\nX-1;Whole;Do all;Ops;\n"
    catalogue = load(cast, within, rows.encode())
    with within(cast, "auditor"):
        part = Control.objects.get(catalogue=catalogue, identifier="X-1.1")
        assert (part.parent.identifier, part.group, part.statement) == ("X-1", "Ops", "Do it")


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["catalog", "controls", "id", "title", "parts", "nodes"]), inner)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    with contextlib.suppress(CatalogueFaults):
        assert read_catalogue(content).controls


def test_a_thousand_controls_come_in_by_few_statements(cast: Any, within: Any) -> None:
    many = [control(f"c-{n}", f"Control {n}", controls=[control(f"c-{n}.1")]) for n in range(600)]
    with CaptureQueriesContext(connection) as counted:
        catalogue = load(cast, within, oscal(*many))
    assert len(counted) < 60
    with within(cast, "auditor"):
        assert catalogue.controls.count() == 1200


def test_starters_rest_on_things_that_exist(cast: Any, within: Any) -> None:
    from governance.actions.controls import load_starter
    from governance.models import ControlMapping
    from governance.queries.coverage import title_of
    from governance.starters import starters

    with within(cast, "compliance_officer") as officer:
        for each in starters():
            load_starter(officer, starter_set=each.code)
            load_starter(officer, starter_set=each.code)
        mappings = list(ControlMapping.objects.select_related("control"))
        assert [str(m) for m in mappings if not title_of(m.kind, m.target)] == []
        assert len(mappings) == sum(len(m) for s in starters() for m in s.mappings.values())
        assert {s.code for s in starters()} >= {"sox-itgc-change", "hipaa-security", "iso-20000-1", "eu-dora"}
        assert all(m.rationale for m in mappings)


def test_a_retired_mapping_does_not_come_back_with_the_starter(cast: Any, within: Any) -> None:
    from governance.actions.controls import load_starter, retire_mapping
    from governance.models import ControlMapping

    with within(cast, "compliance_officer") as officer:
        load_starter(officer, starter_set="sox-itgc-change")
        gone = ControlMapping.objects.first()
        retire_mapping(officer, gone, reason="We do it otherwise.")
        load_starter(officer, starter_set="sox-itgc-change")
        assert not ControlMapping.objects.filter(
            control=gone.control_id, kind=gone.kind, target=gone.target, retired_at__isnull=True
        ).exists()


def test_a_control_is_mapped_only_onto_what_exists_and_once(cast: Any, within: Any) -> None:
    from governance.actions.controls import map_control
    from governance.models import ControlMapping

    catalogue = load(cast, within, oscal(control("a-1")))
    check = {"kind": ControlMapping.Kind.CHECK, "target": "approvals", "rationale": "Asked at the gate."}
    with within(cast, "compliance_officer") as officer:
        one = catalogue.controls.get()
        map_control(officer, one, **check)
        for wrong, code in (({}, "mapping.exists"), ({"target": "magic"}, "mapping.target")):
            with pytest.raises(Refused) as refused:
                map_control(officer, one, **(check | wrong))
            assert refused.value.refusals[0].code == code
    with within(cast, "release_manager") as manager, pytest.raises(Refused) as refused:
        map_control(manager, one, **check)
    assert refused.value.refusals[0].status == 403


VECTORS = os.environ.get("RELEASETRAIN_VECTORS", "")


@pytest.mark.skipif(not VECTORS, reason="RELEASETRAIN_VECTORS names no folder")
def test_the_published_catalogues_and_baselines_come_in(cast: Any, within: Any) -> None:
    from governance.actions.controls import load_starter, mark_baseline

    folder = Path(VECTORS) / "09_controls"
    nist = (folder / "nist_800_53_rev5" / "release_related_controls_moderate.json").read_bytes()
    told = json.loads(nist)["controls"]
    catalogue = load(cast, within, nist, "nist-800-53", title="NIST SP 800-53", version="5.1.1")
    expected = len(told) + sum(len(c.get("enhancements", ())) for c in told)
    ssdf = load(cast, within, (folder / "nist_ssdf_1_1.json").read_bytes(), "nist-ssdf", version="1.1")
    nodes = json.loads((folder / "nist_ssdf_1_1.json").read_bytes())["nodes"]
    profiles = sorted((folder / "nist_800_53_rev5").glob("*profile*.json"))
    with within(cast, "compliance_officer") as officer:
        assert catalogue.controls.count() == expected
        assert ssdf.controls.count() == sum(1 for n in nodes if n.get("ref_id"))
        assert ssdf.controls.get(identifier="PO.1.1").parent.identifier == "PO.1"
        load_starter(officer, starter_set="nist-800-53-release", catalogue=catalogue)
        assert catalogue.controls.get(identifier="cm-3").mappings.exists()
        # A profile names controls beyond this selection of the catalogue: refused whole, each named.
        with pytest.raises(Refused) as refused:
            mark_baseline(officer, catalogue, file=Upload("low.json", profiles[0].read_bytes()), name="low")
        assert {r.code for r in refused.value.refusals} == {"baseline.absent"}
        assert not catalogue.controls.exclude(baselines=[]).exists()


def test_a_baseline_marks_exactly_the_controls_it_names(cast: Any, within: Any) -> None:
    from governance.actions.controls import mark_baseline

    catalogue = load(cast, within, oscal(control("a-1"), control("a-2"), control("a-3")))

    def profile(*ids: str) -> Upload:
        chosen = {"imports": [{"href": "#", "include-controls": [{"with-ids": list(ids)}]}]}
        return Upload("p.json", json.dumps({"profile": {"metadata": {"title": "Low"}, **chosen}}).encode())

    with within(cast, "compliance_officer") as officer:
        mark_baseline(officer, catalogue, file=profile("a-1", "a-2"), name="low")
        mark_baseline(officer, catalogue, file=profile("a-2", "a-3"), name="low")
        marked = catalogue.controls.filter(baselines__contains=["low"]).values_list("identifier", flat=True)
        assert list(marked) == ["a-2", "a-3"]
