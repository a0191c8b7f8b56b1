"""Records of segregated duties and of rollbacks for evidence packages."""

from __future__ import annotations

from collections.abc import Iterator

from governance.models import DeploymentValidation, DutyException, DutyNearMiss, RollbackOrder, RollbackRule

from .collect import Entry, Subject, collector


@collector("governance.duties")
def duties(subject: Subject) -> Iterator[Entry]:
    """Exceptions and refused acts on the changes, validations of the deployments."""
    for model in (DutyException, DutyNearMiss):
        yield from subject.records(model.objects.filter(change__in=subject.changes))
    rows = DeploymentValidation.objects.filter(deployment__in=subject.deployments)
    yield from subject.records(rows.select_related("deployment__service", "deployment__environment"))


@collector("governance.rollbacks")
def rollbacks(subject: Subject) -> Iterator[Entry]:
    """Orders to roll back, with what authorised them."""
    orders = RollbackOrder.objects.filter(rollback__in=subject.deployments)
    yield from subject.records(orders.select_related("rollback__service", "rollback__environment"))
    yield from subject.records(
        RollbackRule.objects.filter(pk__in=orders.values("rule")).select_related("service")
    )
