"""The proposed sequence: on its page and through REST, respected by the board it is applied to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from releasetrain.kernel.refusals import Refused


@pytest.fixture
def backlog(world: Any) -> Any:
    """Refunds need the posting API; capacity is for one feature of five points in each iteration to come."""
    from trains.actions.increments import create_increment

    monday = max(date.today(), world.pi.ends) + timedelta(days=14)
    monday -= timedelta(days=monday.weekday())
    world.pi = create_increment(world.cast["rte"], train=world.train, name="next", starts=monday)
    world.iterations = list(world.pi.iterations.order_by("number"))
    for team in (world.acquiring, world.ledger):
        for number in range(1, 6):
            world.capacity(team, number, 5, 0)
    api = world.feature("Posting API", team=world.ledger)
    refunds = world.feature("Instant refunds", team=world.acquiring)
    world.feature("Nice statement", team=world.ledger)
    world.needs(refunds, api)
    _score(world, refunds, value=20, job_size=1)
    _score(world, world.features["Nice statement"], value=5, job_size=1)
    return world


def _score(world: Any, feature: Any, *, value: int, job_size: int) -> None:
    from planning.actions.scoring import agree_score

    agree_score(
        world.cast["product_manager"],
        feature,
        value=value,
        time_criticality=1,
        risk_reduction=1,
        job_size=job_size,
    )
    feature.refresh_from_db()


def proposal(world: Any, **options: Any) -> Any:
    from planning.queries.sequence import sequence

    return sequence(world.train, world.pi, **options)


def apply(world: Any, digest: str, role: str = "rte", **options: Any) -> Any:
    from planning.actions.sequencing import apply_sequence

    return apply_sequence(world.cast[role], world.train, pi=world.pi, digest=digest, **options)


def places(found: Any) -> dict[str, str]:
    return {step.feature.title: step.then.name for step in found.steps}


def test_a_provider_comes_first_because_of_what_it_opens(backlog):
    found = proposal(backlog)
    names = [i.name for i in backlog.iterations]
    assert places(found) == {
        "Posting API": names[0],
        "Instant refunds": names[1],
        "Nice statement": names[1],
    }
    reasons = {s.feature.title: s.placement.reason for s in found.steps}
    refunds = backlog.features["Instant refunds"].key
    assert f"opens {refunds}, together" in reasons["Posting API"]
    assert reasons["Nice statement"].endswith(
        f"no room for 5 points in {names[0]} after {backlog.features['Posting API'].key}."
    )
    assert not found.assumed


def test_applied_it_makes_ordinary_moves_and_the_board_has_no_conflict(backlog):
    from planning.queries.board import load_board
    from releasetrain.audit.models import LedgerEntry

    done = apply(backlog, proposal(backlog).digest)
    assert (done["placed"], done["moved"]) == (3, 0)
    board = load_board(backlog.pi, backlog.pi.starts)
    assert len(board.cards) == 3
    assert not board.conflicts
    assert not board.overloads
    verbs = list(LedgerEntry.objects.values_list("verb", flat=True))
    assert verbs.count("feature.place") == 3
    assert verbs.count("train.apply_sequence") == 1
    with pytest.raises(Refused, match="nothing to place"):
        apply(backlog, proposal(backlog).digest)


def test_a_preview_of_yesterday_is_refused_and_nothing_moves(backlog):
    from planning.models import Feature

    digest = proposal(backlog).digest
    backlog.place(backlog.features["Nice statement"], backlog.ledger, 1)
    with pytest.raises(Refused, match="changed since this preview"):
        apply(backlog, digest)
    assert Feature.objects.filter(iteration__isnull=False).count() == 1


def test_what_is_planned_stays_unless_it_may_move(backlog):
    backlog.place(backlog.features["Nice statement"], backlog.ledger, 1)
    kept, moved = proposal(backlog), proposal(backlog, keep=False)
    names = [i.name for i in backlog.iterations]
    assert places(kept)["Posting API"] == names[1]
    assert kept.kept == 1
    assert places(moved)["Posting API"] == names[0]
    assert [s.feature.title for s in moved.moves if s.now] == ["Nice statement"]


def test_who_cannot_be_placed_is_told_why(backlog):
    from planning.actions.features import cancel_feature, create_feature

    raw = create_feature(
        backlog.cast["rte"], train=backlog.train, title="Raw idea", team=backlog.ledger, points=5
    )
    homeless = backlog.feature("Homeless")
    orphan = backlog.feature("Orphan", team=backlog.acquiring)
    lost = backlog.feature("Lost", team=backlog.ledger)
    follower = backlog.feature("Follower", team=backlog.acquiring)
    backlog.needs(orphan, lost)
    backlog.needs(follower, raw)
    cancel_feature(backlog.cast["rte"], lost, reason="No money")
    why = {s.feature.title: s.placement.reason for s in proposal(backlog).left_out}
    assert why["Raw idea"].startswith("It is not refined.")
    assert why["Homeless"] == "It has no team. Choose the team that builds it."
    assert why["Orphan"] == f"It waits for {lost.key}, which was cancelled."
    assert why["Follower"] == f"It waits for {raw.key}, which is not placed."
    assert "Raw idea" in places(proposal(backlog, whole=True))
    assert homeless.team is None


def test_a_provider_asked_for_early_lands_before_it_or_says_that_it_cannot(backlog):
    late = backlog.feature("Late API", team=backlog.ledger)
    backlog.needs(backlog.features["Instant refunds"], late, needed_in=backlog.iterations[1])
    found = proposal(backlog)
    why = {s.feature.title: s.placement.reason for s in found.left_out}
    placed = places(found)
    early = {title for title, name in placed.items() if name == backlog.iterations[0].name}
    assert len(early & {"Late API", "Posting API"}) == 1
    assert ("Late API" in early) or "has no room until then" in why["Late API"]


def test_the_page_previews_and_applies(backlog, web, django_assert_max_num_queries):
    from planning.models import Feature

    client = web("rte")
    address = "/o/northwind/features/sequence/"
    with django_assert_max_num_queries(40):
        shown = client.get(address, {"train": "PAY", "pi": str(backlog.pi.pk)})
    html = shown.content.decode()
    assert "Place 3" in html
    digest = html.split('name="digest" value="')[1].split('"')[0]
    answer = client.post(address, {"train": "PAY", "pi": str(backlog.pi.pk), "keep": "yes", "digest": digest})
    assert answer.status_code == 303
    assert Feature.objects.filter(iteration__isnull=False).count() == 3
    again = client.post(address, {"train": "PAY", "pi": str(backlog.pi.pk), "keep": "yes", "digest": digest})
    assert again.status_code == 409
    assert client.get(address, {"train": "NONE"}).status_code == 422


def test_the_api_proposes_and_applies(backlog, api):
    client = api("rte")
    root = "/api/v1/orgs/northwind/"
    answer = client.get(f"{root}sequence", {"train": "PAY", "pi": backlog.pi.name}).json()
    assert [s["turn"] for s in answer["steps"]] == [1, 2, 3]
    assert answer["steps"][0]["waited_by"] == [backlog.features["Instant refunds"].key]
    applied = client.post(
        f"{root}trains/PAY/apply_sequence", {"digest": answer["digest"], "pi": str(backlog.pi.pk)}
    )
    assert applied.status_code == 200, applied.content
    assert applied.json()["result"]["placed"] == 3
    refused = api("auditor").post(f"{root}trains/PAY/apply_sequence", {"digest": answer["digest"]})
    assert refused.status_code == 403
    assert client.get(f"{root}sequence", {"train": "NONE"}).status_code == 422
    assert client.get(f"{root}sequence", {"train": "PAY", "keep": "maybe"}).status_code == 422


def test_the_number_of_queries_does_not_grow(backlog, django_assert_max_num_queries):
    for n in range(30):
        backlog.feature(f"More {n}", team=backlog.ledger)
    with django_assert_max_num_queries(6):
        proposal(backlog)
