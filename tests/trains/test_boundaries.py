"""Train boundaries: costs by the visible rule, crossings, a proposal that repeats, a what-if that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releasetrain.kernel.fields import Upload
from releasetrain.kernel.refusals import Refused
from trains.actions.couplings import create_coupling, edit_coupling, end_coupling, import_couplings
from trains.models import Coupling, Service, Team
from trains.queries.boundaries import analyse, read_moves
from trains.rules.boundaries import FACTORS, Part, Tie, crossing, edges, pace, places_today, propose, total

NAMES = st.integers(0, 11)
TIES = st.lists(
    st.builds(Tie, NAMES, NAMES, st.sampled_from(sorted(FACTORS)), st.integers(1, 50)), max_size=40
)


def parts_of(weekly: list[float]) -> dict[int, Part]:
    """Twelve services, two of each team, three teams of each train."""
    return {n: Part(n, f"team{n // 2}", f"train{n // 6}", weekly[n % len(weekly)]) for n in range(12)}


@given(TIES, st.lists(st.floats(0, 40), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_costs_add_up_and_a_proposal_repeats(ties: list[Tie], weekly: list[float]) -> None:
    parts = parts_of(weekly)
    listed = edges(parts, ties)
    assert [e.cost for e in listed] == sorted((e.cost for e in listed), reverse=True)
    weight = sum(FACTORS[t.kind] * t.strength for t in ties if t.source != t.target)
    assert sum(e.weight for e in listed) == weight
    today = places_today(parts)
    cut = crossing(parts, listed, today)
    assert total(cut) <= total(listed) + 0.01
    assert all((e.one < 6) != (e.other < 6) for e in cut)
    proposal = propose(parts, listed)
    assert proposal == propose(parts, list(reversed(listed)))
    assert proposal.keys() == today.keys()
    # One train for all has no crossing, whatever the couplings are.
    assert crossing(parts, listed, dict.fromkeys(today, "one")) == []


@given(st.floats(-5, 500))
def test_the_pace_never_falls_below_one_nor_beyond_its_limit(weekly: float) -> None:
    assert 1 <= pace(weekly) <= 11


def test_two_clusters_that_today_cut_through_are_proposed_as_trains() -> None:
    parts = {n: Part(n, f"team{n}", "A" if n in (0, 1, 5) else "B") for n in range(6)}
    ties = [Tie(a, b, "calls", 20) for a, b in ((0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5))]
    ties.append(Tie(2, 3, "contract", 1))
    listed = edges(parts, ties)
    proposal = propose(parts, listed)
    assert {n for n in range(6) if proposal[f"team{n}"] == "A"} == {0, 1, 2}
    assert {n for n in range(6) if proposal[f"team{n}"] == "B"} == {3, 4, 5}
    assert total(crossing(parts, listed, proposal)) == 1
    assert total(crossing(parts, listed, places_today(parts))) == 160


@pytest.fixture
def two(world: Any) -> Any:
    """A second train with a team and a service; ledger's are on the first."""
    from datetime import date

    from trains.actions.services import create_service
    from trains.actions.teams import create_team
    from trains.actions.trains import create_train

    rte = world.as_["rte"]
    world.other = create_train(rte, key="LND", name="Lending", cadence_start=date(2026, 1, 5))
    world.loans_team = create_team(rte, train=world.other, code="LOA", name="Loans", people=7)
    world.loans = create_service(rte, name="loans", train=world.other, team=world.loans_team)
    world.docs = create_service(rte, name="docs", train=world.other)
    return world


def couple(world: Any, source: Any, target: Any, kind: str = "calls", strength: int = 5) -> Any:
    return create_coupling(
        world.as_["owner"], source=source, target=target, kind=Coupling.Kind(kind), strength=strength
    )


@pytest.mark.django_db
def test_a_what_if_redraws_the_figures_and_changes_nothing(two: Any) -> None:
    couple(two, two.loans, two.ledger, "shared_data", 5)
    couple(two, two.loans, two.docs, "calls", 3)
    couple(two, two.web, two.ledger, "calls", 2)
    before = analyse()
    assert (before.today.crossings, before.today.cost) == (1, 20.0)
    assert [(c.one.name, c.other.name) for c in before.dearest()] in (
        [("ledger", "loans")],
        [("loans", "ledger")],
    )
    moved = analyse(read_moves(["LOA:PAY"]))
    assert moved.today.cost == before.today.cost
    assert (moved.then.crossings, moved.then.cost) == (1, 6.0)
    assert {g.name: len(g.teams) for g in moved.then.groups}["Payments"] == 2
    assert analyse(read_moves(["LOA:new"])).then.cost == 26.0
    assert Team.objects.get(code="LOA").train_id == two.other.pk
    assert Service.objects.get(name="loans").train_id == two.other.pk


@pytest.mark.django_db
def test_deployments_raise_the_price_of_a_coupling(two: Any, moment: Any) -> None:
    couple(two, two.loans, two.ledger, "contract", 10)
    assert analyse().today.cost == 10
    for n in range(13):
        two.deploy(f"5.{n}.0", started_at=moment(-24 * n - 2), finished_at=moment(-24 * n - 1))
    assert analyse().today.cost == 20


@pytest.mark.django_db
@pytest.mark.parametrize("word", ["XXX:PAY", "LED:XXX", "LED", ":", "LED:new:x"])
def test_a_move_that_cannot_be_thought_of_is_refused_and_named(
    two: Any, api: Any, web: Any, word: str
) -> None:
    with pytest.raises(Refused) as refused:
        read_moves([word])
    assert refused.value.refusals[0].field == "move"
    assert api("rte").get("/api/v1/orgs/northwind/boundaries", {"move": word}).status_code == 422
    assert web("rte").get("/o/northwind/boundaries/", {"move": word}).status_code == 422


@pytest.mark.django_db
def test_couplings_are_recorded_once_and_a_mutual_pair_has_no_direction(two: Any) -> None:
    made = couple(two, two.web, two.ledger, "co_change", 4)
    assert (made.source.name, made.target.name) == ("ledger", "web")
    with pytest.raises(Refused) as refused:
        couple(two, two.ledger, two.web, "co_change")
    assert refused.value.refusals[0].blocked_by is not None
    with pytest.raises(Refused):
        couple(two, two.ledger, two.ledger)
    edit_coupling(two.as_["owner"], made, strength=9)
    assert Coupling.objects.get(pk=made.pk).strength == 9
    end_coupling(two.as_["owner"], made, reason="The nightly batch is gone.")
    assert analyse().couplings == 0
    with pytest.raises(Refused):
        edit_coupling(two.as_["owner"], made, strength=1)
    assert couple(two, two.ledger, two.web, "co_change").ended_at is None


HEADER = "source,target,kind,strength,note\n"


@pytest.mark.django_db
def test_couplings_come_from_a_file_whole_and_a_second_time_change_nothing(two: Any) -> None:
    file = Upload(
        "couplings.csv",
        (
            HEADER + "loans,ledger,calls,3,postings\nweb,ledger,shared_data,,\nledger,web,shared_data,2,\n"
        ).encode(),
    )
    owner = two.as_["owner"]
    assert import_couplings(owner, file=file, dry_run=True).created == 2
    assert not Coupling.objects.exists()
    run = import_couplings(owner, file=file)
    assert (run.rows, run.created) == (2, 2)
    assert Coupling.objects.get(kind="shared_data").strength == 3
    again = import_couplings(owner, file=file)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    changed = Upload("couplings.csv", (HEADER + "loans,ledger,calls,8,postings\n").encode())
    assert import_couplings(owner, file=changed).updated == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("loans,nowhere,calls,1,", "nowhere"),
        ("loans,ledger,telepathy,1,", "telepathy"),
        ("loans,ledger,calls,0,", "strength"),
        ("loans,loans,calls,1,", "itself"),
    ],
)
def test_one_bad_row_keeps_every_coupling_out(two: Any, row: str, named: str) -> None:
    file = Upload("c.csv", f"{HEADER}web,ledger,calls,1,\n{row}\n".encode())
    with pytest.raises(Refused) as refused:
        import_couplings(two.as_["owner"], file=file)
    assert any(named in str(r.sentence) for r in refused.value.refusals)
    assert not Coupling.objects.exists()


@pytest.mark.django_db
def test_page_and_endpoint_say_the_same_in_few_queries(
    two: Any, api: Any, web: Any, django_assert_max_num_queries: Any
) -> None:
    couple(two, two.loans, two.ledger, "shared_data", 5)
    couple(two, two.docs, two.web, "calls", 2)
    client = web("rte")
    client.get("/o/northwind/boundaries/")
    with django_assert_max_num_queries(30):
        page = client.get("/o/northwind/boundaries/", {"move": "LOA:PAY"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "Only thought of" in text
    assert "shared data × 5" in text
    said = api("rte").get("/api/v1/orgs/northwind/boundaries", {"move": "LOA:PAY"}).json()
    assert said["today"]["cost"] == 24.0
    assert said["what_if"]["cost"] == 4.0
    assert said["dearest"][0]["services"] in (["docs", "web"], ["web", "docs"])
    assert said["what_if"]["moves"] == ["LOA:PAY"]
