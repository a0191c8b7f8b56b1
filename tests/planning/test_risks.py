"""Risks on the ROAM board, and threat models whose controls become features."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from releasetrain.kernel.refusals import Refused


@pytest.fixture
def risk(world: Any) -> Any:
    from planning.actions.risks import create_risk

    feature = world.feature("Refunds")
    return create_risk(
        world.cast["rte"],
        train=world.train,
        pi=world.pi,
        title="The scheme moves its date",
        likelihood=4,
        impact=5,
        feature=feature,
    )


def code(act: Any, *given: Any, **said: Any) -> str:
    with pytest.raises(Refused) as caught:
        act(*given, **said)
    return caught.value.code


def test_a_risk_goes_over_the_roam_board(risk, world):
    from planning.actions import risks as actions

    rte = world.cast["rte"]
    assert (risk.exposure, risk.residual, risk.roam) == (20, None, "open")
    actions.own_risk(rte, risk, owner=world.cast.user("product_manager"), due_on=date(2027, 1, 8))
    owned = type(risk).objects.get(pk=risk.pk)
    assert (owned.roam, owned.owner) == ("owned", world.cast.user("product_manager"))
    over = {"residual_likelihood": 5, "residual_impact": 5}
    assert code(actions.mitigate_risk, rte, owned, mitigation="Fallback", **over) == "risk.residual"
    actions.mitigate_risk(rte, owned, mitigation="Fallback", residual_likelihood=2, residual_impact=3)
    assert type(risk).objects.get(pk=risk.pk).residual == 6


def test_who_accepts_and_until_when_is_kept_and_runs_out(risk, world):
    from planning import escalations
    from planning.actions import risks as actions
    from planning.queries.increments import today_of

    rte, today = world.cast["rte"], today_of(world.train)
    assert code(actions.accept_risk, rte, risk, until=today, reason="x") == "risk.past"
    actions.accept_risk(rte, risk, until=today + timedelta(days=3), reason="Nothing to be done.")
    kept = type(risk).objects.get(pk=risk.pk)
    assert (kept.roam, kept.accepted_by_id) == ("accepted", rte.user_id)
    assert not kept.lapsed_on(today + timedelta(days=3))
    assert kept.lapsed_on(today + timedelta(days=4))
    assert list(escalations.late_risks(None)) == []


def test_the_database_refuses_an_acceptance_by_nobody(risk):
    from django.db import IntegrityError, transaction

    risk.roam = "accepted"
    with pytest.raises(IntegrityError), transaction.atomic():
        risk.save()


def test_a_risk_is_linked_to_features_and_releases_of_its_train(risk, world):
    from planning.actions import risks as actions
    from trains.actions.releases import create_release

    release = create_release(world.cast["rte"], train=world.train, version="1.0.0")
    actions.link_risk(world.cast["rte"], risk, release=release)
    assert {str(link.feature or link.release) for link in risk.links.all()} == {
        str(world.features["Refunds"]),
        str(release),
    }
    assert code(actions.link_risk, world.cast["rte"], risk) == "risk_link.one"
    assert code(actions.link_risk, world.cast["rte"], risk, release=release).startswith("database.")


def test_the_board_shows_the_columns_and_every_number_opens_its_rows(risk, world, web):
    client = web("rte")
    page = client.get("/o/northwind/risks/roam/").content.decode()
    assert "The scheme moves its date" in page
    listed = f"/o/northwind/risks/?train={world.train.pk}&amp;likelihood=4&amp;impact=5&amp;show=open"
    assert listed in page
    rows = client.get(listed.replace("&amp;", "&")).content.decode()
    assert risk.key in rows
    empty = client.get(f"/o/northwind/risks/?train={world.train.pk}&likelihood=1&impact=1").content.decode()
    assert risk.key not in empty


def test_the_roam_board_costs_the_same_with_many_risks(world, web, django_assert_max_num_queries):
    from planning.actions.risks import create_risk

    for n in range(12):
        create_risk(world.cast["rte"], train=world.train, title=f"Risk {n}", likelihood=1 + n % 5, impact=3)
    client = web("rte")
    with django_assert_max_num_queries(40):
        client.get("/o/northwind/risks/roam/")


def test_a_control_of_a_threat_model_becomes_a_feature(world):
    from planning.actions import risks as actions
    from planning.models import Threat

    rte = world.cast["rte"]
    session = actions.create_session(
        rte,
        train=world.train,
        title="Refund API",
        held_on=date(2026, 11, 2),
        feature=world.feature("Refunds"),
    )
    threat = actions.add_threat(
        rte, session, title="Replayed refund", kind=Threat.Kind.TAMPERING, likelihood=3, impact=4
    )
    assert code(actions.close_session, rte, session) == "threat_session.bare"
    control = actions.add_control(rte, threat, title="Idempotent refunds")
    feature = actions.control_to_backlog(rte, control)
    assert (feature.kind, feature.source_kind, feature.source_id) == (
        "compliance",
        "threatsession",
        session.pk,
    )
    control.refresh_from_db()
    assert code(actions.control_to_backlog, rte, control) == "threat_control.built"
    there = actions.add_control(rte, threat, title="Rate limits", in_place="gateway")
    assert code(actions.control_to_backlog, rte, there) == "threat_control.in_place"
    risk = actions.threat_to_register(rte, threat)
    assert risk.exposure == 12
    assert risk.links.get().feature == world.features["Refunds"]
    actions.close_session(rte, session)
    assert code(actions.add_control, rte, Threat.objects.get(), title="Late") == "threat_session.closed"
