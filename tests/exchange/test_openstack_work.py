"""OpenStack's 2024.1 on the board: features, slips and couplings agree with counts taken straight from the files."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from planning.models import Feature, FeatureDependency
from planning.queries.board import load_board
from releasetrain.exchange.imports.openstack import import_release_series
from releasetrain.exchange.imports.openstack_couplings import import_series_couplings
from releasetrain.exchange.imports.openstack_features import import_series_features
from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.actions.trains import create_train
from trains.models import Coupling, Deployment, Freeze, Iteration, Milestone, ProgramIncrement, Service
from trains.queries.boundaries import analyse, read_moves

DATA = os.environ.get("RELEASETRAIN_DATA", "")
needs_data = pytest.mark.skipif(
    not (DATA and Path(DATA).is_dir()), reason="RELEASETRAIN_DATA names no folder with the public data sets"
)
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]


def upload(*parts: str) -> Upload:
    path = Path(DATA, *parts)
    return Upload(path.name, path.read_bytes())


def lines(*parts: str) -> list[dict[str, str]]:
    """The file read in the plainest way, to check our figures against."""
    content = Path(DATA, *parts).read_bytes()
    if parts[-1].endswith(".gz"):
        content = gzip.decompress(content)
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.fixture
def train(cast: Any, in_northwind: Any) -> Any:
    return create_train(cast["owner"], key="OS", name="OpenStack", cadence_start=date(2023, 10, 9))


@pytest.fixture
def series(cast: Any, train: Any) -> Any:
    files = ("schedule.json", "deliverables.json", "teams.json", "releases.csv")
    given = {name.partition(".")[0]: upload("openstack", "2024.1-caracal", name) for name in files}
    import_release_series(cast["owner"], train=train, **given)
    return train


def features_of(cast: Any, train: Any) -> Any:
    return import_series_features(
        cast["owner"],
        train=train,
        series="2024.1",
        features=upload("openstack-features", "features-public.json"),
        commits=upload("openstack-commits", "commits-2024.1.csv.gz"),
    )


def couplings_of(cast: Any, train: Any) -> Any:
    return import_series_couplings(
        cast["owner"],
        train=train,
        dependencies=upload("openstack-commits", "dependencies-public.csv"),
        commits=upload("openstack-commits", "commits-2024.1.csv.gz"),
        constraints=upload("openstack-requirements", "constraint_changes-public.csv.gz"),
    )


@needs_data
def test_the_board_of_2024_1_agrees_with_the_files(cast: Any, series: Any) -> None:
    features_of(cast, series)
    specs = [
        f
        for f in json.loads(Path(DATA, "openstack-features", "features-public.json").read_text())
        if f["series"] == "2024.1"
    ]
    outcomes = Counter(f["outcome"] for f in specs)
    assert outcomes == {"implemented": 7, "carried_over": 7, "not_marked": 13, "removed": 1}
    pi = ProgramIncrement.objects.get(train=series, name="2024.1")
    rows = Feature.objects.filter(train=series)
    assert rows.count() == len(specs) == 28
    assert rows.filter(state="done").count() == outcomes["implemented"]
    assert rows.filter(blocked_reason__contains="carried over").count() == outcomes["carried_over"]
    assert rows.filter(state="cancelled").count() == outcomes["removed"]
    board = load_board(pi, date(2024, 3, 1))
    assert len(board.cards) == len(specs) - outcomes["removed"]
    assert len(board.rows) == 40
    # Nova alone: what it committed to, and what it delivered.
    nova = [f for f in specs if f["team"] == "nova"]
    assert rows.filter(team__name="nova").count() == len(nova) == 14
    assert rows.filter(team__name="nova", state="done").count() == 7
    # Cards stand where their last change was merged; the rest where the feature freeze asks for them.
    freeze = Milestone.objects.get(pi=pi, name="Feature freeze").on
    last: dict[str, date] = {}
    for commit in lines("openstack-commits", "commits-2024.1.csv.gz"):
        day = datetime.fromisoformat(commit["merged_at"]).date()
        if commit["blueprint"] and pi.starts <= day < pi.ends:
            last[commit["blueprint"]] = max(last.get(commit["blueprint"], day), day)
    works = {f["slug"]: f["blueprint"].rpartition("/")[2] or f["slug"] for f in specs}
    for feature in rows.exclude(state="cancelled").select_related("iteration"):
        day = last.get(works[feature.external_id.rpartition("/")[2]], freeze)
        assert feature.iteration.starts <= day < feature.iteration.ends, feature.title
    again = features_of(cast, series)
    assert (again.created, again.updated) == (0, 0)


@needs_data
def test_what_specifications_need_of_each_other_stands_on_the_board(cast: Any, series: Any) -> None:
    features_of(cast, series)
    pairs = {
        (d.consumer.external_id.partition("/")[2], d.provider.external_id.partition("/")[2], d.state)
        for d in FeatureDependency.objects.select_related("consumer", "provider")
    }
    assert pairs == {
        ("nova/assisted-volume-extend", "cinder/extend-volume-completion-action", "blocked"),
        ("nova/ephemeral-encryption-libvirt", "nova/ephemeral-storage-encryption", "blocked"),
    }
    pi = ProgramIncrement.objects.get(train=series, name="2024.1")
    board = load_board(pi, date(2024, 3, 1))
    assert all(edge.tone != "ok" for edge in board.edges)


@needs_data
def test_weeks_freezes_and_versions_of_2024_1_agree_with_the_files(cast: Any, series: Any) -> None:
    plan = json.loads(Path(DATA, "openstack", "2024.1-caracal", "schedule.json").read_text())
    pi = ProgramIncrement.objects.get(train=series, name="2024.1")
    assert list(Iteration.objects.filter(pi=pi).order_by("starts").values_list("name", flat=True))[:2] == [
        "R-25 to R-24",
        "R-23 to R-22",
    ]
    assert Milestone.objects.filter(pi=pi).count() == len(
        {(e["title"], e["week_start"]) for e in plan["events"]}
    )
    requirements = Freeze.objects.get(name="2024.1: Requirements freeze")
    versions = {
        (r["deliverable"], r["version"]): datetime.fromisoformat(r["merged_at"])
        for r in lines("openstack", "2024.1-caracal", "releases.csv")
    }
    inside = [m for m in versions.values() if requirements.starts <= m < requirements.ends]
    published = Deployment.objects.filter(
        finished_at__gte=requirements.starts, finished_at__lt=requirements.ends
    )
    assert published.count() == len(inside)
    assert len(inside) > 100


@needs_data
def test_couplings_of_the_series_agree_with_the_files_and_name_the_dearest(cast: Any, series: Any) -> None:
    couplings_of(cast, series)
    edges = [
        r
        for r in lines("openstack-commits", "dependencies-public.csv")
        if r["to_repo"] and r["cross_repo"] == "1"
    ]
    assert len(edges) == 182
    required = [r for r in edges if "openstack/requirements" in (r["from_repo"], r["to_repo"])]
    requirements = Service.objects.get(name="requirements")
    bound = Coupling.objects.filter(target=requirements, kind="contract")
    assert sum(bound.values_list("strength", flat=True)) == sum(
        r["to_repo"] == "openstack/requirements" and r["relation"] == "depends_on" for r in required
    )
    nova = Service.objects.get(name="nova")
    tempest = Coupling.objects.get(source=nova, target__name="tempest", kind="co_change")
    assert tempest.strength == sum(
        {r["from_repo"], r["to_repo"]} == {"openstack/nova", "openstack/tempest"} for r in edges
    )
    again = couplings_of(cast, series)
    assert (again.created, again.updated) == (0, 0)
    # One train has nothing that crosses; drawn as proposed, the analysis names what would.
    analysis = analyse()
    assert analysis.today.crossings == 0
    assert len(analysis.proposal.groups) > 1
    proposed = [c for c in analysis.crossings if c.proposed]
    assert [c.cost for c in proposed] == sorted((c.cost for c in proposed), reverse=True)
    team = nova.team
    moved = analyse(read_moves([f"{team.code}:new"]))
    assert moved.then.crossings == 20
    assert "nova" in {moved.dearest()[0].one.name, moved.dearest()[0].other.name}
    assert Service.objects.get(name="nova").team.train_id == series.pk


GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "openstack-2024-1.md"


@needs_data
def test_the_figures_of_the_guide_are_those_of_the_product_and_of_the_files(cast: Any, series: Any) -> None:
    features_of(cast, series)
    couplings_of(cast, series)
    told = {
        cells[0].strip(): int(cells[1])
        for line in GUIDE.read_text().splitlines()
        if line.startswith("| ") and (cells := line.strip("| ").split(" | "))[1].strip().isdigit()
    }
    pi = ProgramIncrement.objects.get(train=series, name="2024.1")
    rows = Feature.objects.filter(train=series)
    candidates = Deployment.objects.filter(version__endswith="0rc1")
    freeze = Freeze.objects.get(name="2024.1: Requirements freeze")
    week = Milestone.objects.get(pi=pi, name="RC1 target week").on
    inside = Deployment.objects.filter(finished_at__gte=freeze.starts, finished_at__lt=freeze.ends)
    late = candidates.filter(finished_at__date__gte=week + timedelta(days=5))
    assert told == {
        "teams": series.teams.count(),
        "deliverables": len(
            json.loads(Path(DATA, "openstack", "2024.1-caracal", "deliverables.json").read_text())
        ),
        "versions published": Deployment.objects.count(),
        "specifications approved or carried into the cycle": rows.count(),
        "of them marked as implemented": rows.filter(state="done").count(),
        "of them carried over to 2024.2": rows.filter(blocked_reason__contains="to 2024.2").count(),
        "of them removed": rows.filter(state="cancelled").count(),
        "of them left without a mark": rows.filter(
            blocked_reason="", state__in=("planned", "in_progress")
        ).count(),
        "of nova's 14, implemented": rows.filter(team__name="nova", state="done").count(),
        "cards with merged changes that name their blueprint": rows.filter(
            description__contains="merged changes name it"
        ).count(),
        "dependencies between specifications": FeatureDependency.objects.count(),
        "versions published inside the requirements freeze": inside.count(),
        "first release candidates": candidates.count(),
        "of them after their target week R-3": late.count(),
        "couplings between repositories, 2023.2 to 2024.2": Coupling.objects.count(),
    }
    # And once more past the product: straight from the files.
    published = {
        (r["deliverable"], r["version"]): datetime.fromisoformat(r["merged_at"])
        for r in lines("openstack", "2024.1-caracal", "releases.csv")
    }
    first = [at for (_, version), at in published.items() if version.endswith("0rc1")]
    assert len(first) == told["first release candidates"]
    assert sum(at.date() > date(2024, 3, 15) for at in first) == told["of them after their target week R-3"]
    assert sum(freeze.starts <= at < freeze.ends for at in published.values()) == inside.count()


SPEC = {
    "team": "nova", "series": "2024.1", "slug": "a-b-c", "outcome": "implemented", "approved_at": "2024-01-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def small(cast: Any, train: Any) -> Any:
    from trains.actions.increments import create_increment
    from trains.actions.teams import create_team

    create_team(cast["owner"], train=train, code="NOVA", name="nova")
    create_increment(
        cast["owner"], train=train, name="2024.1", starts=date(2023, 10, 9), ends=date(2024, 4, 8)
    )
    return train


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"team": "nobody"}, "nobody"),
        ({"outcome": "vanished"}, "vanished"),
        ({"approved_at": "some day"}, "approved_at"),
        ({"slug": ""}, "slug"),
    ],
)
def test_one_bad_specification_keeps_every_feature_out(
    cast: Any, small: Any, change: Any, named: str
) -> None:
    file = Upload("features.json", json.dumps([SPEC, {**SPEC, "slug": "d-e-f", **change}]).encode())
    with pytest.raises(Refused) as refused:
        import_series_features(cast["owner"], train=small, series="2024.1", features=file)
    assert any(named in r.sentence for r in refused.value.refusals)
    assert not Feature.objects.exists()


def test_features_need_their_series_first(cast: Any, small: Any) -> None:
    file = Upload("features.json", json.dumps([SPEC]).encode())
    with pytest.raises(Refused) as refused:
        import_series_features(cast["owner"], train=small, series="2031.1", features=file)
    assert "Import the release series first" in refused.value.refusals[0].remedy
    assert import_series_features(cast["owner"], train=small, series="2024.1", features=file).created == 1
