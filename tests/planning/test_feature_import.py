"""Importing features: Jira and CSV, dry run, row-level errors, all or nothing, again without harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from planning.rules.feature_file import read
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused

CSV = b"""external_id,title,kind,team,points,value,time_criticality,risk_reduction,job_size,needs
A-1,Posting API,enabler,PAY-LED,8,5,3,8,5,
A-2,Instant refunds,feature,Acquiring,5,13,8,3,5,A-1
"""
JIRA = b"""Issue key,Summary,Issue Type,Status,Story Points,Sprint,Sprint,Outward issue link (Blocks),Description
PAY-1,Posting API,Enabler,To Do,8.0,ledger,core,PAY-2,"First line
second line"
PAY-2,Instant refunds,Story,In Progress,5.0,,,,
PAY-3,Old thing,Story,Done,3,,,,
PAY-4,Write tests,Sub-task,To Do,1,,,,
PAY-5,Token leak,Bug,To Do,,,,,
"""


def run(world: Any, content: bytes, **params: Any) -> Any:
    from planning.actions.feature_import import import_features

    return import_features(
        world.cast["product_manager"],
        train=world.train,
        file=Upload("backlog.csv", content, "text/csv"),
        **params,
    )


def titles() -> set[str]:
    from planning.models import Feature

    return set(Feature.objects.values_list("title", flat=True))


def test_a_csv_becomes_features_with_scores_and_dependencies(world):
    from planning.models import Feature, FeatureDependency

    result = run(world, CSV)
    assert (result.created, result.updated, result.unchanged) == (2, 0, 0)
    refunds = Feature.objects.get(external_id="A-2")
    assert (refunds.team, str(refunds.wsjf), refunds.state) == (world.acquiring, "4.80", "funnel")
    dependency = FeatureDependency.objects.get()
    assert (dependency.consumer, dependency.provider.external_id) == (refunds, "A-1")
    assert refunds.key.startswith("FEAT-")


def test_the_same_file_again_changes_nothing(world):
    run(world, CSV)
    again = run(world, CSV)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)


def test_a_changed_row_updates_its_feature_only(world):
    from planning.models import Feature

    run(world, CSV)
    result = run(world, CSV.replace(b"Instant refunds", b"Instant refunds to wallet"))
    assert (result.created, result.updated, result.unchanged) == (0, 1, 1)
    assert Feature.objects.get(external_id="A-2").title == "Instant refunds to wallet"


def test_one_bad_row_and_nothing_is_imported_and_every_error_has_its_line(world):
    bad = CSV + b"A-3,,feature,Nobody,x,,,,,\nA-4,Fine,feature,Wallets,3,,,,,\n"
    with pytest.raises(Refused) as caught:
        run(world, bad)
    said = [r.sentence for r in caught.value.refusals]
    assert caught.value.status == 422
    assert any(s.startswith("Line 4, title:") for s in said)
    assert any(s.startswith("Line 4, points: 'x' is not a number") for s in said)
    assert any("Line 5, team: PAY has no team 'Wallets'" in s for s in said)
    assert titles() == set()


def test_a_dry_run_says_what_would_happen_and_writes_nothing(world):
    told = run(world, CSV, dry_run=True)
    assert (told["created"], told["dependencies"], told["errors"]) == (2, 1, [])
    assert titles() == set()


def test_a_jira_export_is_recognised_with_links_and_finished_work_left_out(world):
    from planning.models import Feature, FeatureDependency

    run(world, JIRA)
    kinds = dict(Feature.objects.values_list("external_id", "kind"))
    assert kinds == {"PAY-1": "enabler", "PAY-2": "feature", "PAY-5": "problem_fix"}
    assert Feature.objects.get(external_id="PAY-1").description == "First line\nsecond line"
    assert FeatureDependency.objects.get().consumer.external_id == "PAY-2"
    told = run(world, JIRA, dry_run=True)
    assert {(e["line"], e["why"]) for e in told["left_out"]} == {(5, "is done"), (6, "is a sub-task")}
    assert told["unchanged"] == 3


def test_columns_can_be_mapped_by_hand(world):
    from planning.models import Feature

    content = b"Nr;Name;Aufwand\n7;Rueckerstattung;5\n"
    run(world, content, mapping={"external_id": "Nr", "title": "Name", "points": "Aufwand"})
    assert Feature.objects.get().points == 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "It is empty."),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"title\nx\n", "no such column"),
        (b'external_id,title\nA,"open\n', "not well-formed"),
        (b"external_id,title\nA,One\nA,Two\n", "stands in line 2 already"),
        (b"external_id,title,value\nA,One,5\n", "all four parts"),
        (
            b"external_id,title,value,time_criticality,risk_reduction,job_size\nA,One,4,1,1,1\n",
            "not on the scale",
        ),
    ],
)
def test_broken_files_are_explained(content, sentence):
    errors = " ".join(str(e) for e in read(content).errors)
    assert sentence in errors


def test_the_page_shows_the_dry_run_and_imports_what_was_checked(world, web):
    client = web("product_manager")
    address = "/o/northwind/features/import/"
    checked = client.post(address, {"train": "PAY", "file": SimpleUploadedFile("b.csv", CSV), "act": "check"})
    html = checked.content.decode()
    assert checked.status_code == 200
    assert "2 new" in html
    assert titles() == set()
    carried = html.split('name="carried" value="')[1].split('"')[0]
    done = client.post(address, {"train": "PAY", "carried": carried, "name": "b.csv", "act": "import"})
    assert done.status_code == 303
    assert titles() == {"Posting API", "Instant refunds"}


def test_the_command_imports_and_refuses_a_bad_file_whole(world, tmp_path: Path, capsys):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(CSV)
    bad.write_bytes(b"external_id,title\nB-1,\n")
    with pytest.raises(CommandError, match="Line 2, title"):
        call_command("import_features", "northwind", str(bad), "--train", "PAY")
    call_command("import_features", "northwind", str(good), "--train", "PAY")
    assert "2 created" in capsys.readouterr().out
    call_command("import_features", "northwind", str(good), "--train", "PAY", "--dry-run")
    assert json.loads(capsys.readouterr().out)["unchanged"] == 2


AZURE = """\ufeffID,Work Item Type,Title 1,Title 2,State,Area Path,Effort,Business Value,Value Area,Description,Predecessor
101,Epic,Instant money,,New,Bank\\PAY-LED,13,8,Business,"<div>Refunds &amp; more<br></div><ul><li>fast</li><li>safe</li></ul>",
102,Feature,,Posting API,Active,Bank\\Payments\\Ledger Core,2.5,,Architectural,,
103,Feature,,Instant refunds,New,Bank\\Payments\\Acquiring\\Backend,0.5,,Business,,102
104,Task,,Write tests,New,Bank,1,,,,
105,Feature,,Old thing,Closed,Bank,3,,,,
106,Bug,,Token leak,New,Bank,,,,,
""".encode()


def test_an_azure_devops_export_is_recognised_as_a_tree_of_work_items(world):
    from planning.models import Feature, FeatureDependency

    run(world, AZURE)
    rows = {f.external_id: f for f in Feature.objects.select_related("team")}
    assert {i: (f.title, f.kind, f.points) for i, f in rows.items()} == {
        "101": ("Instant money", "feature", 13),
        "102": ("Posting API", "enabler", 3),
        "103": ("Instant refunds", "feature", 1),
        "106": ("Token leak", "problem_fix", None),
    }
    assert rows["101"].description == "Refunds & more\n- fast\n- safe"
    assert [rows[i].team for i in ("101", "102", "103", "106")] == [
        world.ledger,
        world.ledger,
        world.acquiring,
        None,
    ]
    assert FeatureDependency.objects.get().provider == rows["102"]
    told = run(world, AZURE, dry_run=True)
    assert (told["format"], told["unchanged"]) == ("azure", 4)
    assert [n["note"] for n in told["notes"]] == [
        "2.5 points became 3",
        "0.5 points became 1",
        "has no team: none of Bank is one of PAY",
    ]
    assert {e["why"] for e in told["left_out"]} == {"is a task", "is closed"}
    assert "Business Value" in told["unused_columns"]


@pytest.mark.parametrize(
    ("text", "points"),
    [("0.5", 1), ("0.4", 1), ("2.5", 3), ("2,49", 2), ("8.0", 8), ("0", 0), ("", None), ("998.7", 999)],
)
def test_fractional_points_are_rounded_half_up_and_never_vanish(text, points):
    content = f"external_id;title;points\nA;One;{text}\n".encode()
    assert read(content).rows[0].points == points


@pytest.mark.parametrize("text", ["-1", "x", "1000", "1.2.3", "1e3", "NaN"])
def test_what_is_no_number_of_points_is_refused(text):
    assert "is not a number from 0 to 999" in str(
        read(f"external_id,title,points\nA,One,{text}\n".encode()).errors[0]
    )


def test_the_api_checks_and_imports_a_file(world, api):
    from django.core.files.uploadedfile import SimpleUploadedFile as Sent

    client, address = api("product_manager"), "/api/v1/orgs/northwind/features/import_csv"
    told = client.post(
        address, {"train": "PAY", "file": Sent("a.csv", AZURE), "dry_run": "true"}, format="multipart"
    )
    assert told.json()["result"]["created"] == 4
    assert titles() == set()
    done = client.post(address, {"train": "PAY", "file": Sent("a.csv", AZURE)}, format="multipart")
    assert (done.status_code, done.json()["created"]) == (201, 4)
    bad = client.post(
        address, {"train": "PAY", "file": Sent("a.csv", b"external_id,title\nA,\n")}, format="multipart"
    )
    assert bad.status_code == 422
    assert "Line 2, title" in str(bad.json())
