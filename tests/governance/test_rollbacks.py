"""Rollback authorisation: who may order one of which service, on a threshold or by the fallback, and how quickly it is back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from governance.actions import rollbacks
from governance.models import RollbackOrder, RollbackRule
from releasetrain.accounts.catalogue import Role
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import Gateway
from trains.actions.deployments import finish_deployment, record_deployment, roll_back_deployment
from trains.models import Deployment
from trains.rules import rollback_thresholds as rules

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9)


@given(
    value=NUMBERS,
    measured=NUMBERS,
    minutes=st.integers(1, 10_000),
    lasted=st.integers(0, 20_000),
    above=st.booleans(),
)
def test_a_threshold_is_crossed_only_beyond_it_and_for_long_enough(
    value: float, measured: float, minutes: int, lasted: int, above: bool
) -> None:
    threshold = rules.Threshold("error rate", above, value, "%", minutes)
    beyond = measured > value if above else measured < value
    crossed = rules.crossed([threshold], "Error Rate", measured, lasted)
    assert (crossed is not None) == (beyond and lasted >= minutes)
    assert rules.crossed([threshold], "latency", measured, lasted) is None
    assert rules.crossed([], "error rate", measured, lasted) is None


@given(line=st.text(max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    found = rules.read(line)
    assert found is None or (found.metric and 1 <= found.minutes <= 10_000)


def test_thresholds_are_read_as_people_write_them() -> None:
    said = {
        line: str(rules.read(line)) for line in ("error rate > 2 % for 5 min", "p99 < 0.5 for 10 minutes")
    }
    assert said == {
        "error rate > 2 % for 5 min": "error rate > 2 % for 5 min",
        "p99 < 0.5 for 10 minutes": "p99 < 0.5 for 10 min",
    }
    for line in ("error rate > nan % for 5 min", "error rate > 2 %", "> 2 for 5 min", "x > 2 for 0 min"):
        assert rules.read(line) is None, line


class Runs(Gateway):
    """Version 1 and then version 2 of a tier 1 service run in production."""

    def __init__(self, cast: Any) -> None:
        super().__init__(cast)
        start = now() - timedelta(hours=2)
        for n in (1, 2):
            with self.scope("service_account") as pipeline:
                self.run = record_deployment(
                    pipeline,
                    service=self.service,
                    environment=self.production,
                    version=str(n),
                    status="succeeded",
                    started_at=start + timedelta(minutes=n),
                    finished_at=start + timedelta(minutes=n, seconds=30),
                    source="ci",
                    external_id=f"run-{n}",
                )

    def rule(self, **said: Any) -> RollbackRule:
        given_ = {
            "tier": 1,
            "roles": [Role.RTE],
            "restore_minutes": 15,
            "fallback": "Standby region.",
            "fallback_roles": [Role.RELEASE_MANAGER],
            "thresholds": "error rate > 2 % for 5 min",
            "controls": "DORA Art. 11(6)",
        } | said
        with self.scope("compliance_officer") as officer:
            return rollbacks.create_rule(officer, **given_)

    def order(self, role: str) -> Deployment:
        with self.scope(role) as actor:
            return roll_back_deployment(
                actor, Deployment.objects.get(pk=self.run.pk), reason="Payments fail."
            )


@pytest.fixture
def runs(cast: Any) -> Runs:
    return Runs(cast)


@pytest.mark.django_db
def test_only_whom_the_authorisation_names_orders_a_rollback(runs: Runs, cast: Any, api: Any) -> None:
    runs.rule(roles=[Role.OWNER], fallback_roles=[])
    answer = api("release_manager").post(
        f"/api/v1/orgs/northwind/deployments/{runs.run.pk}/roll_back", {"reason": "Payments fail."}
    )
    assert answer.status_code == 403, answer.content
    problem = answer.json()
    assert problem["code"] == "rollback.not_authorised"
    assert "Organization owner" in problem["detail"]
    with runs.scope("auditor"):
        assert not RollbackOrder.objects.exists()
        assert not Deployment.objects.filter(kind="rollback").exists()


@pytest.mark.django_db
def test_a_service_of_its_own_goes_before_its_tier(runs: Runs) -> None:
    runs.rule(roles=[Role.OWNER], fallback_roles=[])
    runs.rule(tier=None, service=runs.service, roles=[Role.RELEASE_MANAGER], restore_minutes=5)
    runs.order("release_manager")
    with runs.scope("auditor"):
        order = RollbackOrder.objects.get()
        assert (order.basis, order.restore_minutes) == ("role", 5)


@pytest.mark.django_db
def test_the_time_from_order_to_restored_is_measured_against_what_is_allowed(runs: Runs, web: Any) -> None:
    runs.rule(roles=[Role.RELEASE_MANAGER])
    moment = now()
    with time_machine.travel(moment, tick=False):
        rollback = runs.order("release_manager")
    with runs.scope("auditor"):
        order = RollbackOrder.objects.get()
        assert (order.in_time, order.restored_in) == (None, "not yet")
    with (
        time_machine.travel(moment + timedelta(minutes=16), tick=False),
        runs.scope("service_account") as actor,
    ):
        finish_deployment(actor, rollback, status="succeeded")
    with runs.scope("auditor"):
        order = RollbackOrder.objects.get()
        assert (order.in_time, order.restored_in) == (False, "16 min")
    page = " ".join(web("auditor").get("/o/northwind/rollbacks/").content.decode().split())
    assert "0 in time, 1 late" in page
    assert "16 min of 15 min" in page


@pytest.mark.django_db
def test_the_fallback_may_when_it_must_and_a_review_follows(runs: Runs) -> None:
    from reviews.models import Review

    runs.rule()
    with runs.scope("auditor"):
        before = Review.objects.count()
    runs.order("release_manager")
    with runs.scope("auditor"):
        assert RollbackOrder.objects.get().basis == "fallback"
        assert Review.objects.count() == before + 1


@pytest.mark.django_db
def test_a_crossed_threshold_has_authorised_it_beforehand(runs: Runs, api: Any, cast: Any) -> None:
    runs.rule()
    address = f"/api/v1/orgs/northwind/deployments/{runs.run.pk}/roll_back_on_threshold"
    low = api("service_account").post(address, {"metric": "error rate", "value": 1.5, "minutes": 30})
    assert (low.status_code, low.json()["code"]) == (422, "rollback.threshold")
    assert (
        api("service_account").post(address, {"metric": "error rate", "value": 9, "minutes": 4}).status_code
        == 422
    )
    done = api("service_account").post(address, {"metric": "error rate", "value": 9, "minutes": 5})
    assert done.status_code == 201, done.content
    with runs.scope("auditor"):
        order = RollbackOrder.objects.get()
        assert (order.basis, order.ordered_by) == ("threshold", cast.user("service_account"))
        assert order.rollback.rolls_back_id == runs.run.pk
    assert api("auditor").post(address, {"metric": "error rate", "value": 9, "minutes": 5}).status_code == 403


@pytest.mark.django_db
def test_nothing_is_pre_authorised_without_an_authorisation(runs: Runs) -> None:
    with pytest.raises(Refused) as refused, runs.scope("service_account") as pipeline:
        rollbacks.roll_back_on_threshold(
            pipeline, Deployment.objects.get(pk=runs.run.pk), metric="error rate", value=9.0, minutes=60
        )
    assert refused.value.code == "rollback.no_thresholds"
    runs.order("release_manager")
    with runs.scope("auditor"):
        assert RollbackOrder.objects.get().basis == "permission"


@pytest.mark.django_db
def test_the_page_of_a_service_says_who_may_order_its_rollback(runs: Runs, web: Any) -> None:
    runs.rule()
    page = " ".join(web("team_member").get("/o/northwind/services/ledger/").content.decode().split())
    assert "back within 15 min" in page
    assert "Release Train Engineer" in page
    assert "error rate &gt; 2 % for 5 min" in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"roles": []}, "roles"),
        ({"fallback": " "}, "fallback"),
        ({"thresholds": "when it hurts"}, "thresholds"),
        ({"tier": None}, "tier"),
    ],
)
def test_an_authorisation_says_everything(runs: Runs, said: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        runs.rule(**said)
    assert refused.value.refusals[0].field == field
