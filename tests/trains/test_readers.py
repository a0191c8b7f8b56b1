"""Readers of public release data: malformed files become row errors, never exceptions."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trains.rules.readers import github_incidents, govuk, openstack, wikimedia
from trains.rules.readers.row_error import RowError
from trains.rules.readers.sources import UNPACKED_LIMIT
from trains.rules.readers.tables import Table

HEADER = "deployed_at,requested_at,env,app,version,prev_version,kind,sha"
GOOD = "2024-01-02T10:00:00Z,2024-01-02T09:59:00Z,production,shop,v2,v1,deploy,abc"

TABLES: dict[str, Table] = {
    "deployments": govuk.DEPLOYMENTS,
    "production_commits": govuk.COMMITS,
    "deploy_flags": govuk.DEPLOY_FLAGS,
    "train_events": wikimedia.TRAIN_STEPS,
    "config_deploys": wikimedia.CONFIG_DEPLOYS,
    "releases": openstack.RELEASES,
    "changes": openstack.CHANGES,
    "schedule_history": openstack.SCHEDULE_HISTORY,
    "deliverable_events": openstack.DELIVERABLE_EVENTS,
}


def read(table: Table, content: bytes | str, **options) -> tuple[list, list[RowError]]:
    errors: list[RowError] = []
    data = content.encode() if isinstance(content, str) else content
    return list(table.read(io.BytesIO(data), errors.append, name="file.csv", **options)), errors


def deployments(*lines: str) -> tuple[list[govuk.DeploymentRow], list[RowError]]:
    return read(govuk.DEPLOYMENTS, "\n".join((HEADER, *lines)))


def test_a_row_is_typed_and_absent_optional_columns_are_empty():
    (row,), errors = deployments(GOOD)
    assert errors == []
    assert row.deployed_at == datetime(2024, 1, 2, 10, tzinfo=UTC)
    assert (row.environment, row.application, row.race_suspect) == ("production", "shop", None)


def test_columns_are_found_by_name_in_any_order_with_others_beside_them():
    names = HEADER.split(",")
    order = [names.index(n) for n in sorted(names)]
    header = ",".join(["extra", *(names[i] for i in order)])
    line = ",".join(["?", *(GOOD.split(",")[i] for i in order)])
    rows, errors = read(govuk.DEPLOYMENTS, f"\ufeff{header}\r\n{line}\r\n")
    assert errors == []
    assert rows[0].commit == "abc"


@pytest.mark.parametrize(
    ("line", "column", "part"),
    [
        (GOOD.replace("10:00:00Z", "10:00:00"), "deployed_at", "no zone offset"),
        (GOOD.replace("2024-01-02T10:00:00Z", "yesterday"), "deployed_at", "not a date and time"),
        (GOOD.replace("deploy,", "teleport,"), "kind", "not one of"),
        (GOOD.replace("shop", ""), "app", "empty"),
        (GOOD.replace("09:59:00Z", "10:59:00Z"), "deployed_at", "before it was asked for"),
        (GOOD + ",more", "", "8 cells expected, 9 found"),
        (GOOD.replace("shop", '"sh"op'), "", "not well-formed CSV"),
        (GOOD.replace("shop", "sh\0op"), "", "NUL"),
    ],
)
def test_a_bad_row_is_named_by_line_and_column_and_the_others_are_read(line, column, part):
    rows, errors = deployments(GOOD, line, GOOD)
    assert len(rows) == 2
    (error,) = errors
    assert (error.file, error.line, error.column) == ("file.csv", 3, column)
    assert part in error.sentence


def test_every_bad_cell_of_a_row_is_named():
    _, errors = deployments(GOOD.replace("10:00:00Z", "10").replace("shop", " ").replace(",deploy,", ",x,"))
    assert [error.column for error in errors] == ["deployed_at", "app", "kind"]


def test_lines_are_counted_through_quoted_line_ends():
    rows, errors = deployments(GOOD.replace("v2", '"v\n2"'), GOOD.replace("shop", ""))
    assert rows[0].version == "v\n2"
    assert errors[0].line == 4


def test_a_line_that_is_not_utf8_is_refused_alone():
    lines = f"{HEADER}\n{GOOD}\n".encode() + GOOD.encode().replace(b"shop", b"sh\xff") + b"\n" + GOOD.encode()
    rows, errors = read(govuk.DEPLOYMENTS, lines)
    assert len(rows) == 2
    assert (errors[0].line, errors[0].sentence) == (3, "This line is not UTF-8 text.")


def test_missing_and_repeated_columns_are_named_and_nothing_is_read():
    rows, errors = read(govuk.DEPLOYMENTS, f"{HEADER.replace('kind', 'env')}\n{GOOD}")
    assert rows == []
    assert {(e.line, e.column, e.sentence) for e in errors} == {
        (1, "kind", "The header has no such column."),
        (1, "env", "The header names this column more than once."),
    }


def test_an_empty_file_a_broken_archive_and_a_bomb_are_said_to_be_so():
    assert read(govuk.DEPLOYMENTS, b"")[1][0].sentence == "The file is empty."
    packed = gzip.compress(f"{HEADER}\n{GOOD}\n".encode() * 50)
    assert "breaks off" in read(govuk.DEPLOYMENTS, packed[: len(packed) // 2])[1][-1].sentence
    bomb = gzip.compress(HEADER.encode() + b"\n" + b" " * 5_000_000)
    assert "unpacks to more than" in read(govuk.DEPLOYMENTS, bomb, limit=1024 * 1024)[1][0].sentence
    assert UNPACKED_LIMIT >= 64 * 1024 * 1024


def test_a_missing_file_is_an_error_without_a_directory_in_its_name(tmp_path):
    errors: list[RowError] = []
    assert list(govuk.read_deployments(tmp_path / "absent.csv", errors.append)) == []
    assert errors[0].file == "absent.csv"
    series = openstack.read_series(tmp_path)
    assert len(series.errors) == 7
    assert series.schedule is None
    assert series.versions == ()


def test_reading_streams(tmp_path):
    errors: list[RowError] = []
    rows = govuk.read_deployments(io.BytesIO(f"{HEADER}\n{GOOD}\n\x00".encode()), errors.append)
    assert next(rows).application == "shop"
    assert errors == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_no_bytes_raise(table):
    @given(st.binary(max_size=300), st.booleans())
    def any_bytes(content, with_header):
        header = ",".join(c.name for c in table.columns).encode() + b"\n"
        read(table, (header if with_header else b"") + content)

    any_bytes()


@given(st.lists(st.text(max_size=12), min_size=8, max_size=8))
def test_no_cells_raise(cells):
    rows, errors = deployments(",".join('"' + c.replace('"', '""') + '"' for c in cells))
    assert rows or errors


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["teams", "weeks", "events", "series", "start_week", "release_week", "current", "history", "deliverable"]
)


@given(JSON | st.lists(st.dictionaries(KEYS, JSON)) | st.dictionaries(KEYS, JSON))
def test_no_document_raises(value):
    errors: list[RowError] = []
    content = json.dumps(value).encode()
    for reader in (
        openstack.read_deliverables,
        openstack.read_teams,
        openstack.read_schedule,
        govuk.read_owners,
    ):
        reader(io.BytesIO(content), errors.append)
    list(github_incidents.read_incidents(io.BytesIO(content), errors.append))
    assert errors


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000])
def test_a_document_that_is_not_json_is_an_error(content):
    errors: list[RowError] = []
    assert openstack.read_deliverables(io.BytesIO(content), errors.append) == ()
    assert len(errors) == 1


def test_a_bad_entry_is_named_by_its_pointer_and_the_others_are_read():
    errors: list[RowError] = []
    good = {"deliverable": "nova", "team": "nova", "repos": ["a/b"], "branches": None, "versions": ["1.0.0"]}
    bad = {**good, "repos": ["a/b", 7]}
    rows = openstack.read_deliverables(io.BytesIO(json.dumps([good, bad, 3]).encode()), errors.append)
    assert [row.name for row in rows] == ["nova"]
    assert [(e.line, e.column) for e in errors] == [(None, "/1/repos/1"), (None, "/2")]


def test_incidents_end_after_they_start_and_have_one_id_each():
    line = {
        "id": "1",
        "title": "Down",
        "impact": "major",
        "components": None,
        "started_at": "2024-01-01T10:00:00Z",
        "resolved_at": None,
        "duration_minutes": None,
        "updates": [],
    }
    backwards = {**line, "id": "2", "resolved_at": "2024-01-01T09:00:00Z"}
    content = "\n".join(json.dumps(each) for each in (line, backwards, line)) + "\nnot json\n"
    errors: list[RowError] = []
    rows = list(github_incidents.read_incidents(io.BytesIO(content.encode()), errors.append))
    assert [row.id for row in rows] == ["1"]
    assert [(e.line, e.column) for e in errors] == [(2, "/resolved_at"), (3, "/id"), (4, "")]


def test_freezes_come_from_flags_switched_off_and_on():
    header = "at,env,app,change,old,new,sha,subject"
    lines = [
        "2024-01-01T00:00:00Z,production,shop,automatic_deploys_enabled,true,False,a,hold",
        "2024-01-02T00:00:00Z,production,shop,automatic_deploys_enabled,false,false,b,still",
        "2024-01-03T00:00:00Z,production,shop,automatic_deploys_enabled,false,true,c,go",
        "2024-01-04T00:00:00Z,production,shop,promote_deployment,true,false,d,other flag",
        "2024-01-05T00:00:00Z,staging,shop,automatic_deploys_enabled,true,false,e,open",
    ]
    rows, errors = read(govuk.DEPLOY_FLAGS, "\n".join([header, *lines]))
    assert errors == []
    held, lasting = govuk.deploy_freezes(rows)
    assert (held.starts_at.day, held.ends_at.day, held.reason) == (1, 3, "hold")
    assert (lasting.environment, lasting.ends_at) == ("staging", None)


def test_a_rollback_is_paired_with_the_step_it_names_or_the_last_promotion_of_its_ring():
    def step(number, action, rings, source, target, reverts=""):
        at = datetime(2024, 1, number, tzinfo=UTC)
        return wikimedia.TrainStepRow(
            f"c{number}", at, at, action, rings, "", source, target, 1, 0, 0, bool(reverts), reverts, (), "p"
        )

    steps = [
        step(1, "promote", ("group0",), "1", "2"),
        step(2, "promote", ("group1",), "1", "2"),
        step(3, "rollback", ("group1",), "2", "1"),
        step(4, "rollback", ("group0",), "2", "1", "c1"),
        step(5, "rollback", ("group2",), "2", "1"),
    ]
    pairs = wikimedia.pair_rollbacks(steps)
    assert [(p.undone.commit if p.undone else None, p.how) for p in pairs] == [
        ("c2", "same ring and version"),
        ("c1", "named"),
        (None, "unknown"),
    ]
    assert pairs[0].minutes_live == 24 * 60


def test_a_freeze_lasts_from_its_week_to_the_release_week():
    event = {"label": "c-ff", "kind": "ff", "title": "Feature freeze"}
    weeks = {"week_start": "2024-02-26", "week_end": "2024-03-01"}
    schedule = {
        "series": "2024.1",
        "start_week": "2023-10-09",
        "release_week": "2024-04-01",
        "weeks": [],
        "events": [{**event, **weeks}, {"label": "c-3", "title": "Milestone 3", **weeks}],
    }
    row = openstack.read_schedule(io.BytesIO(json.dumps(schedule).encode()), pytest.fail)
    (freeze,) = row.freezes()
    assert (freeze.starts_on, freeze.ends_on) == (date(2024, 2, 26), date(2024, 4, 1))


def test_the_accepted_columns_are_written_down():
    readme = Path(openstack.__file__).with_name("README.md").read_text(encoding="utf-8")
    for title, table in TABLES.items():
        section = readme.split(f"### `{title}")[1].split("\n#")[0]
        listed = [line.split("|")[1].strip(" `") for line in section.splitlines() if line.startswith("| `")]
        assert listed == [column.name for column in table.columns], title
        for column in table.columns:
            needed = "yes" if column.required else "no"
            line = next(x for x in section.splitlines() if x.startswith(f"| `{column.name}` |"))
            assert line.split("|")[2].strip() == needed
    for name, _ in github_incidents.FIELDS:
        assert f"`{name}`" in readme
