"""Capacity: people, absences, public holidays, load and history make points; risk makes the buffer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.rules.capacity import PastIteration, velocity
from planning.rules.holidays import UnknownRegionError, between, checked
from releasetrain.kernel.refusals import Refused


def suggestion(world: Any, team: Any = None, number: int = 1) -> Any:
    from planning.queries.capacity import suggestions

    team, iteration = team or world.acquiring, world.iterations[number - 1]
    return suggestions([team], [iteration])[team.pk, iteration.pk]


def profile(world: Any, **given_: Any) -> Any:
    from planning.actions.capacity import set_profile

    return set_profile(world.cast["rte"], team=world.acquiring, **given_)


def person(world: Any, name: str, **given_: Any) -> Any:
    from planning.actions.capacity import add_person

    return add_person(world.cast["rte"], team=world.acquiring, name=name, **given_)


@pytest.mark.parametrize(
    ("region", "day", "name"),
    [
        ("GB-ENG", date(2026, 12, 28), "Boxing Day"),
        ("DE-BY", date(2026, 1, 6), "Epiphany"),
        ("US", date(2026, 11, 26), "Thanksgiving"),
    ],
)
def test_public_holidays_follow_the_region(region, day, name):
    found = between(checked(region.lower()), date(2026, 1, 1), date(2027, 1, 1))
    assert name.split(" (")[0] in found[day]


def test_an_unknown_region_is_refused_and_says_what_there_is():
    with pytest.raises(UnknownRegionError, match="There is no country XX"):
        checked("XX")
    with pytest.raises(UnknownRegionError, match=r"Its parts are .*BB, BE, BW"):
        checked("DE-ZZ")
    assert between("", date(2026, 1, 1), date(2027, 1, 1)) == {}


def test_head_count_and_load_make_the_capacity_until_more_is_known(world):
    found = suggestion(world)
    # Six people, ten working days, a load of 0.8.
    assert (found.points, found.buffer) == (48, 5)
    assert "6 people, 10 working days" in found.sentence
    assert "Less than two finished iterations" in found.sentence


def test_named_people_shares_absences_and_holidays_lower_it(world):
    from planning.actions.capacity import cancel_absence, record_absence

    profile(world, region="DE-BY", load_factor=Decimal("1"))
    anna, ben = person(world, "Anna"), person(world, "Ben", share=Decimal("0.5"))
    person(world, "Cleo", first_day=date(2026, 10, 15))
    person(world, "Dan", last_day=date(2026, 9, 30))
    # 5 to 18 October 2026 has ten working days; Cleo is there for the last two, Dan not at all.
    assert suggestion(world).points == 10 + 5 + 2
    away = record_absence(
        world.cast["rte"], person=anna, first_day=date(2026, 10, 16), last_day=date(2026, 10, 20)
    )
    record_absence(world.cast["rte"], person=ben, first_day=date(2026, 10, 5))
    found = suggestion(world)
    assert found.points == 9 + 4 + 2  # 4.5 days of Ben, rounded down with the sum
    cancel_absence(world.cast["rte"], away)
    assert suggestion(world).points == 16
    with pytest.raises(Refused, match="already"):
        cancel_absence(world.cast["rte"], away)


def test_a_holiday_is_named_and_counts(world):
    profile(world, region="GB-ENG")
    found = suggestion(world, number=5)
    world.iterations[4].refresh_from_db()
    profile(world, region="US")
    thanksgiving = next(
        n for n, i in enumerate(world.iterations, 1) if i.starts <= date(2026, 11, 26) < i.ends
    )
    with_holiday = suggestion(world, number=thanksgiving)
    assert with_holiday.points < found.points
    assert "Thanksgiving" in with_holiday.sentence


def test_history_teaches_the_points_of_a_day(world):
    from planning.actions.features import complete_feature, start_feature

    for number, points in ((1, 24), (2, 30)):
        feature = world.feature(f"Done {number}", points=points)
        world.place(feature, world.acquiring, number)
        start_feature(world.cast["rte"], feature)
        complete_feature(world.cast["rte"], feature)
    found = suggestion(world, number=4)
    # 54 points in 96 loaded days of both iterations.
    assert found.velocity.per_day == pytest.approx(54 / 96)
    assert found.points == 27
    assert "54 points in 96 days" in found.sentence
    profile(world, use_history=False)
    assert suggestion(world, number=4).points == 48


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=9))
def test_velocity_lies_between_the_best_and_the_worst_iteration(rows):
    known = [PastIteration(str(n), points, days) for n, (points, days) in enumerate(rows)]
    found = velocity(known)
    usable = [p.points / p.days for p in known if p.points and p.days][-5:]
    if len(usable) < 2:
        assert found.per_day == 1
    else:
        assert min(usable) - 1e-9 <= found.per_day <= max(usable) + 1e-9


def test_awaited_deliveries_and_third_parties_enlarge_the_buffer_by_the_visible_rule(world):
    from planning.models import FeatureIntegration, IntegrationPoint

    api, refunds = world.feature("API"), world.feature("Refunds")
    world.place(api, world.ledger, 1)
    world.place(refunds, world.acquiring, 2)
    assert suggestion(world, number=2).share == pytest.approx(0.10)
    world.needs(refunds, api)
    point = IntegrationPoint.objects.create(name="Card scheme", kind="third_party")
    FeatureIntegration.objects.create(feature=refunds, point=point, what="Clearing file")
    found = suggestion(world, number=2)
    # 1 − (1 − 3·2/25)(1 − 3·3/25) = 0.51
    assert found.exposure == pytest.approx(1 - (1 - 6 / 25) * (1 - 9 / 25))
    assert found.share == pytest.approx(0.20)
    assert "builds on Card scheme 3×3" in found.buffer_sentence
    world.capacity(world.acquiring, 2, 40, 8, reason="")
    with pytest.raises(Refused, match="another buffer needs a reason"):
        world.capacity(world.acquiring, 2, 40, 2, reason="")


def test_a_departure_from_the_rule_is_kept_with_its_reason_and_arithmetic(world):
    from planning.models import TeamCapacity

    world.capacity(world.acquiring, 1, 40, 0, reason="Two contractors as reserve")
    kept = TeamCapacity.objects.get()
    assert (kept.points, kept.buffer, kept.reason) == (40, 0, "Two contractors as reserve")
    assert kept.basis["points"] == 48
    assert kept.basis["buffer_rule"] == 1
    world.capacity(world.acquiring, 1, 40, 4, reason="")
    kept.refresh_from_db()
    assert kept.reason == ""


def test_all_capacities_are_computed_at_once_and_what_was_argued_stays(world):
    from planning.actions.capacity import compute_capacity
    from planning.models import TeamCapacity

    world.capacity(world.acquiring, 1, 40, 0, reason="Two contractors as reserve")
    world.capacity(world.acquiring, 2, 40, 4, reason="")
    told = compute_capacity(world.cast["rte"], world.pi)
    usual = [i for i in world.iterations if not i.innovation]
    assert told == {"written": 2 * len(usual) - 2, "kept": 2}
    told = compute_capacity(world.cast["rte"], world.pi, replace=True)
    assert told["kept"] == 1
    rows = {c.iteration_id: c for c in TeamCapacity.objects.filter(team=world.acquiring)}
    assert rows[world.iterations[0].pk].points == 40
    assert rows[world.iterations[1].pk].points == 48


def test_bad_input_names_its_field(world):
    for given_, field in (({"region": "XX"}, "region"), ({"region": "DE-ZZ"}, "region")):
        with pytest.raises(Refused) as caught:
            profile(world, **given_)
        assert (caught.value.status, caught.value.refusals[0].field) == (422, field)
    with pytest.raises(Refused, match="last day comes before"):
        person(world, "Eve", first_day=date(2026, 5, 2), last_day=date(2026, 5, 1))
    person(world, "Fay")
    with pytest.raises(Refused, match="has a Fay already"):
        person(world, "Fay")


def test_the_page_and_the_api_show_the_arithmetic(world, web, api, django_assert_max_num_queries):
    profile(world, region="DE")
    person(world, "Anna")
    client = web("rte")
    address = f"/o/northwind/increments/{world.pi.pk}/capacity/"
    client.get(address)
    with django_assert_max_num_queries(42):
        html = client.get(address).content.decode()
    assert "1 person, 10 working days" in html
    assert "by rule version 1" in html
    rest = api("rte")
    told = rest.get("/api/v1/orgs/northwind/capacity", {"train": "PAY", "pi": world.pi.name}).json()
    team = next(t for t in told["teams"] if t["team"] == "PAY-ACQ")
    assert team["people"] == [{"name": "Anna", "share": "1.00"}]
    assert team["iterations"][0]["suggested"]["points"] == 8
    done = rest.post(f"/api/v1/orgs/northwind/increments/{world.pi.pk}/compute_capacity", {})
    assert done.json()["result"]["written"] == 2 * sum(not i.innovation for i in world.iterations)
    away = rest.post("/api/v1/orgs/northwind/absences/record", {"person": "x", "first_day": "2026-10-05"})
    assert away.status_code == 422
    assert "person" in str(away.json())
