"""What the product says about real public data, against a computation over the raw files that shares no code with it,
and against the page that tells it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import statistics
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from metrics.asking import question_from
from metrics.dashboards import Answer, found_dashboard
from metrics.rolling import roll_up
from releasetrain.exchange.imports.govuk import import_deployment_history
from releasetrain.exchange.imports.incidents import import_status_page
from releasetrain.exchange.imports.wikimedia import import_ring_train
from releasetrain.kernel.fields import Upload
from releasetrain.tenancy.models import Organization
from trains.actions.trains import create_train

DATA = os.environ.get("RELEASETRAIN_DATA", "")
PAGE = Path(__file__).parents[2] / "docs" / "guide" / "what-the-data-say.md"
pytestmark = [
    pytest.mark.skipif(not (DATA and Path(DATA).is_dir()), reason="RELEASETRAIN_DATA names no folder with the public data sets"),
    pytest.mark.django_db,
    pytest.mark.timeout(420),
]  # fmt: skip


def raw(*parts: str) -> list[dict[str, str]]:
    content = gzip.decompress(Path(DATA, *parts).read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(content)))


def upload(*parts: str) -> Upload:
    path = Path(DATA, *parts)
    return Upload(path.name, path.read_bytes())


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


@pytest.fixture
def train(cast: Any, in_northwind: Any) -> Any:
    Organization.objects.filter(pk=cast.organization.pk).update(time_zone="UTC")
    return create_train(cast["owner"], key="REAL", name="Real data", cadence_start=date(2016, 1, 4))


def ask(dashboard: str, first: str, last: str, **options: str) -> Answer:
    found = found_dashboard(dashboard)
    assert found is not None
    question = question_from({"from": first, "until": last, **options}, "UTC", found.options, found.days)
    return found.answer(question)


def value(answer: Answer, name: str) -> float:
    found = answer.figure(name)
    assert found is not None
    assert found.value is not None
    return found.value


def value_or_none(answer: Answer, name: str) -> float | None:
    found = answer.figure(name)
    return found.value if found else None


def count(answer: Answer, name: str) -> int | None:
    found = answer.figure(name)
    return found.count if found else None


def told(sentence: str) -> None:
    """The page says this, word for word."""
    assert sentence in " ".join(PAGE.read_text(encoding="utf-8").split()), sentence


def test_govuk(cast: Any, train: Any) -> None:
    files = ("deployments-2023-2024-public.csv.gz", "production_commits-2023-2024-public.csv.gz")
    import_deployment_history(
        cast["owner"], train=train, deployments=upload("govuk-deployments", files[0]),
        commits=upload("govuk-deployments", files[1]),
    )  # fmt: skip
    roll_up(most=200_000)
    answer = ask("delivery", "2023-01-01", "2024-12-31")

    live = sorted(
        (r for r in raw("govuk-deployments", files[0]) if r["env"] == "production"),
        key=lambda r: r["deployed_at"],
    )
    assert count(answer, "deployment_frequency") == len(live)
    assert value(answer, "deployment_frequency") == pytest.approx(len(live) / 731)
    told("15 842 deployments to production in 731 days, 21.7 a day")

    first: dict[tuple[str, str], tuple[datetime, datetime]] = {}
    for row in sorted(raw("govuk-deployments", files[1]), key=lambda r: r["deployed_at"]):
        if row["authored_at"]:
            first.setdefault(
                (row["app"], row["sha"]), (moment(row["deployed_at"]), moment(row["authored_at"]))
            )
    hours = [(at - written).total_seconds() / 3600 for at, written in first.values() if at >= written]
    assert count(answer, "change_lead_time") == len(hours)
    assert value(answer, "change_lead_time") / 3600 == pytest.approx(statistics.median(hours))
    told("Half of 12 050 changes were live within 25.6 hours of being written")

    taken = undone((moment(row["deployed_at"]), row["app"], row["kind"] == "rollback") for row in live)
    assert count(answer, "change_fail_rate") == count(answer, "failed_deployment_recovery_time") == len(taken)
    assert value(answer, "failed_deployment_recovery_time") == statistics.median(taken)
    told("107 deployments (0.7 %) were rolled back, half of them within 21 minutes")

    months = Counter(row["deployed_at"][:7] for row in live)
    series = [float(months[name]) for name in sorted(months)]
    base, ranges = series[:20], [abs(b - a) for a, b in pairwise(series[:20])]
    reach = 3 * statistics.fmean(ranges) / 1.128
    centre = statistics.fmean(base)
    outside = [name for name, n in zip(sorted(months), series, strict=True) if abs(n - centre) > reach]
    assert outside == ["2023-01", "2023-02", "2024-10", "2024-11"]
    chart = ask(
        "control", "2023-01-01", "2024-12-31", measure="deployments", bucket="month", rules="1"
    ).charts[0]
    assert f"limits {centre - reach:.2f} to {centre + reach:.2f}" in chart.finding
    assert [sentence[:8] for sentence in chart.signals] == ["Jan 2023", "Feb 2023", "Oct 2024", "Nov 2024"]
    back = Counter(row["deployed_at"][:7] for row in live if row["kind"] == "rollback")
    assert back["2024-10"] == max(back.values())
    rate = ask("control", "2023-01-01", "2024-12-31", measure="fail_rate", bucket="month", rules="1").charts[
        0
    ]
    assert [sentence[:8] for sentence in rate.signals] == ["Oct 2024"]
    told(
        "October 2024 leaves the limits twice: 1 100 deployments where up to 922 are usual, and 3.5 % of them failed"
    )


def undone(rows: Iterable[tuple[datetime, str, bool]]) -> list[float]:
    """Seconds from each deployment that a rollback took away to that rollback: the latest one still live goes."""
    live: dict[str, list[datetime]] = {}
    taken = []
    for at, place, rollback in sorted(rows, key=lambda row: row[0]):
        if not rollback:
            live.setdefault(place, []).append(at)
        elif live.get(place):
            taken.append((at - live[place].pop()).total_seconds())
    return taken


def test_wikimedia(cast: Any, train: Any) -> None:
    folder = "wikimedia-train"
    files = ("train_events-2016-2024-public.csv.gz", "config_deploys-2023-2024-public.csv.gz")
    import_ring_train(
        cast["owner"], train=train, steps=upload(folder, files[0]), config_deploys=upload(folder, files[1])
    )
    roll_up(most=200_000)
    answer = ask("delivery", "2016-01-01", "2024-12-31", bucket="month")

    steps = [
        (moment(row["at"]), ring, row["action"] == "rollback")
        for row in raw(folder, files[0])
        if row["to_version"]
        for ring in row["groups_changed"].split("+")
        if ring
    ]
    settings = raw(folder, files[1])
    reverts = sum(row["is_revert"] == "1" for row in settings)
    assert count(answer, "deployment_frequency") == len(steps) + len(settings)
    assert count(answer, "deployment_rework_rate") == sum(back for _, _, back in steps) + reverts
    taken = undone(steps)
    assert count(answer, "change_fail_rate") == len(taken)
    assert value(answer, "failed_deployment_recovery_time") == statistics.median(taken)
    told("8 946 deployments: 5 441 moves of a ring and 3 505 of configuration")
    told("798 moves (8.9 % of all deployments) were rolled back, half of them within 41 minutes")
    told(
        "203 changes of configuration were reverts; together with the rollbacks 1 001 deployments (11.2 %) were rework"
    )


def test_github_incidents(cast: Any, train: Any) -> None:
    file = upload("github-incidents", "incidents-2022-2024.jsonl.gz")
    import_status_page(cast["owner"], train=train, incidents=file, source="github-status")
    answer = ask("recurrence", "2022-01-01", "2024-12-31")

    last: dict[str, datetime] = {}
    repeated = counted = 0
    rows = [json.loads(line) for line in gzip.decompress(file.content).splitlines()]
    for row in sorted(rows, key=lambda r: r["started_at"]):
        if row["impact"] == "maintenance":
            continue
        kind, at = "+".join(sorted(row["components"] or ["whole platform"])), moment(row["started_at"])
        counted += 1
        repeated += kind in last and at - last[kind] <= timedelta(days=90)
        last[kind] = at
    assert value(answer, "repeated_incidents") == pytest.approx(repeated / counted)
    told(
        "399 incidents in three years; 389 were no maintenance, and 281 of those (72 %) struck the same components"
    )
    delivery = ask("delivery", "2022-01-01", "2024-12-31")
    assert value_or_none(delivery, "change_fail_rate") is None
    assert any("0 of 399 incidents have a known cause" in gap.sentence for gap in delivery.quality)
    told("0 of 399 incidents have a known cause")
