"""What deployments outside production mean to those who read the ledger: nothing, unless they roll something back."""

from __future__ import annotations

from typing import Any

import pytest

from releasetrain.audit.models import LedgerEntry
from tests.governance.gateway import Gateway
from trains.actions.deployments import record_deployment
from trains.models import Deployment
from trains.queries.deployments import without_trials

pytestmark = pytest.mark.django_db


def test_trials_are_left_out_and_production_rollbacks_and_other_entries_stay(cast: Any) -> None:
    gateway = Gateway(cast)
    with gateway.scope("service_account") as pipeline:
        places = [gateway.test, gateway.production, gateway.test, gateway.test]
        made = [
            record_deployment(
                pipeline,
                service=gateway.service,
                environment=place,
                version=f"1.{number}",
                status="succeeded",
                source="ci",
                external_id=str(number),
            )
            for number, place in enumerate(places)
        ]
        undone = Deployment.objects.get(pk=made[3].pk)
        undone.kind, undone.rolls_back = Deployment.Kind.ROLLBACK, made[2]
        undone.save()
        entries = list(LedgerEntry.objects.order_by("id"))
        left_out = {str(made[0].pk), str(made[2].pk)}
        assert without_trials(entries) == [e for e in entries if e.subject_id not in left_out]
        assert {str(made[1].pk), str(made[3].pk)} <= {e.subject_id for e in without_trials(entries)}
