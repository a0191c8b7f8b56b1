"""Importing services and deliverables from CSV and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.actions.service_import import import_services
from trains.models import Service

GOOD = (
    b"name,train,team,tier,regulated,description\nledger,PAY,LED,1,true,Books\ncards,PAY,,2,,\nportal,,,,,\n"
)


def run(world: Any, content: bytes, name: str = "services.csv", **said: Any) -> Any:
    return import_services(world.as_["rte"], file=Upload(name, content), **said)


def test_new_services_are_created_and_known_ones_updated(world: Any) -> None:
    done = run(world, GOOD)
    assert (done.rows, done.created, done.updated, done.unchanged) == (3, 2, 1, 0)
    ledger = Service.objects.get(name="ledger")
    assert (ledger.regulated, ledger.description, ledger.team) == (True, "Books", world.team)
    assert Service.objects.get(name="portal").tier == 3


def test_the_same_file_again_changes_nothing(world: Any) -> None:
    first, second = run(world, GOOD), run(world, GOOD)
    assert (second.created, second.updated, second.unchanged) == (0, 0, 3)
    assert first.digest == second.digest


def test_a_dry_run_only_says_what_would_change(world: Any) -> None:
    done = run(world, GOOD, dry_run=True)
    assert (done.created, done.updated) == (2, 1)
    assert not Service.objects.filter(name="cards").exists()


def test_one_bad_row_refuses_the_file_and_every_bad_row_is_named(world: Any) -> None:
    bad = b"name,train,team,tier\ncards,PAY,LED,1\na/b,,,\nx,NOPE,,\ny,,,9\ncards,,,\n"
    with pytest.raises(Refused) as caught:
        run(world, bad)
    said = " ".join(r.sentence for r in caught.value.refusals)
    assert "line 3, name" in said
    assert "line 5, tier" in said
    assert "cards is in the file more than once" in said
    assert caught.value.status == 422
    assert not Service.objects.filter(name="cards").exists()
    with pytest.raises(Refused, match="There is no train NOPE"):
        run(world, b"name,train\nx,NOPE\n")


def test_json_is_read_by_the_same_rules(world: Any) -> None:
    rows = [{"name": "cards", "train": "PAY", "tier": 2, "regulated": True}]
    assert run(world, json.dumps(rows).encode(), "services.json").created == 1
    with pytest.raises(Refused, match="/0/tier"):
        run(world, json.dumps([{"name": "x", "tier": 7}]).encode(), "services.json")


def test_only_those_who_may_import_can(world: Any) -> None:
    with pytest.raises(Refused) as caught:
        import_services(world.as_["executive"], file=Upload("s.csv", GOOD))
    assert caught.value.status == 403


def test_operators_import_from_the_command_line(world: Any, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "services.csv"
    file.write_bytes(GOOD)
    call_command("import_services", "northwind", str(file), "--dry-run")
    assert "2 would be created" in capsys.readouterr().out
    call_command("import_services", "northwind", str(file))
    assert Service.objects.filter(name="cards").exists()
    with pytest.raises(CommandError, match="no organization"):
        call_command("import_services", "nowhere", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_services", "northwind", str(tmp_path / "absent.csv"))
