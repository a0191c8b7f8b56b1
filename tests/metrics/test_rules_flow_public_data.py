"""What the rules of flow say about real trains, against plain second computations over the raw files."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest

from metrics.rules import association, cadence, cycle
from metrics.rules.association import Reading

DATA = Path(os.environ.get("RELEASETRAIN_DATA", ""))
pytestmark = pytest.mark.skipif(
    not os.environ.get("RELEASETRAIN_DATA") or not (DATA / "govuk-deployments").is_dir(),
    reason="RELEASETRAIN_DATA does not name the folder of public data",
)


def rows_of(path: str) -> list[dict[str, str]]:
    content = (DATA / path).read_bytes()
    text = gzip.decompress(content) if path.endswith(".gz") else content
    return list(csv.DictReader(io.StringIO(text.decode())))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.fixture(scope="module")
def govuk() -> dict[str, Any]:
    rows = rows_of("govuk-deployments/deployments-2023-2024-public.csv.gz")
    commits = rows_of("govuk-deployments/production_commits-2023-2024-public.csv.gz")
    live: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        if row["env"] == "production":
            live[row["app"]].append(row)
    undone = set()
    for app, listed in live.items():
        listed.sort(key=lambda r: r["deployed_at"])
        for before, row in pairwise(listed):
            if row["kind"] == "rollback" and row["race_suspect"] == "0":
                undone.add((app, before["deployed_at"]))
    return {"rows": rows, "commits": commits, "live": live, "undone": undone}


def test_deployments_of_govuk_that_were_rolled_back_carried_more_commits(govuk: dict[str, Any]) -> None:
    size = Counter((c["app"], c["deployed_at"]) for c in govuk["commits"])
    known = [
        (float(size[key]), key in govuk["undone"])
        for app, listed in govuk["live"].items()
        for key in ((app, row["deployed_at"]) for row in listed)
        if key in size
    ]
    found = association.numeric("changes", "Commits carried", known)
    bad, good = [v for v, ill in known if ill], [v for v, ill in known if not ill]
    assert (found.bad, found.good) == (len(bad), len(good)) == (24, 5602)
    plain = sum((a > b) - (a < b) for a, b in product(bad, good)) / (len(bad) * len(good))
    assert found.effect == pytest.approx(plain) == pytest.approx(0.233, abs=5e-4)
    assert (found.middle_bad, found.middle_good) == (median(bad), median(good)) == (2, 1)
    assert found.reading is Reading.WORSE_WITH_MORE and found.strength == "small"
    # It barely parts from chance, and with three more properties compared it is no longer read.
    low, high = found.interval or (0, 0)
    assert 0 < low < 0.01 and 0.4 < high < 0.5
    noise = []
    for seed in (1, 2, 3):
        draw = Random(seed)
        noise.append(association.numeric(str(seed), "", [(draw.random(), ill) for _, ill in known]))
    assert association.adjusted([found, *noise])[0].reading is Reading.UNCLEAR


def test_fridays_at_govuk_are_no_worse_than_can_be_told(govuk: dict[str, Any]) -> None:
    known = [
        (moment(row["deployed_at"]).weekday() >= 4, (app, row["deployed_at"]) in govuk["undone"])
        for app, listed in govuk["live"].items()
        for row in listed
        if row["kind"] == "deploy"
    ]
    found = association.yes_no("friday", "Deployed on a Friday or at the weekend", known)
    a, b = known.count((True, True)), known.count((True, False))
    c, d = known.count((False, True)), known.count((False, False))
    assert found.effect == pytest.approx(a * d / (b * c), rel=0.01)
    assert (
        found.reading is Reading.UNCLEAR
        and found.interval is not None
        and found.interval[0] < 1 < found.interval[1]
    )


def test_a_slower_cadence_would_only_have_kept_govuk_waiting(govuk: dict[str, Any]) -> None:
    first: dict[tuple[str, str], datetime] = {}
    for row in sorted(govuk["rows"], key=lambda r: r["deployed_at"]):
        if row["env"] != "production":
            first.setdefault((row["app"], row["version"]), moment(row["deployed_at"]))
    taken = [
        (moment(row["deployed_at"]) - first[app, row["version"]]) / timedelta(days=1)
        for app, listed in govuk["live"].items()
        for row in listed
        if row["kind"] == "deploy" and (app, row["version"]) in first
    ]
    taken = [days for days in taken if days >= 0]
    start = datetime(2023, 1, 1, tzinfo=UTC)
    ready = [(moment(c["merged_at"]) - start) / timedelta(days=1) for c in govuk["commits"] if c["merged_at"]]
    found = cadence.advise(ready, taken, None, runs=20)
    assert found.proposed is not None and found.proposed.days == 1
    for trial in found.trials:
        # A change waits half an interval on average, and then for the release work.
        assert trial.lead.middle == pytest.approx(trial.days / 2 + sum(taken) / len(taken), rel=0.12, abs=0.1)


def test_approval_of_openstack_release_requests_is_what_the_file_says() -> None:
    rows = [r for r in rows_of("openstack/2024.1-caracal/changes.csv") if r["proposed_at"] and r["merged_at"]]
    asked = [
        cycle.Approval(
            n, "Release team", {"submitted": moment(r["proposed_at"]), "first_vote": None, "approved": moment(r["merged_at"])},
            1 if r["proposed_at"] == r["last_revised_at"] else 2, "closed",
        )
        for n, r in enumerate(rows)
    ]  # fmt: skip
    board = cycle.boards(asked)[0]
    hours = [cycle.hours_between(a.moments["submitted"], a.moments["approved"]) for a in asked]
    again = sum(r["proposed_at"] != r["last_revised_at"] for r in rows)
    assert board.decided == len(rows) and board.asked_again == again
    # Votes are not in the file: no step between is made up.
    assert all(stage.missing == len(rows) for stage in board.cycle.stages[:2])
    assert median(h for h in hours if h is not None) > 24
