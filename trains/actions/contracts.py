"""Verbs of contracts between consumers and providers; what is posted about them comes in through governance."""

from __future__ import annotations

from typing import Annotated

from releasetrain.audit.doorway import Actor, Field, action, explain_constraint
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import refuse
from trains.models import Contract, Service

explain_constraint("contract_once", "The two services have a contract of this name.")


@action("contract.create", creates=Contract, requires="trains.manage", within="consumer")
def create_contract(
    actor: Actor,
    *,
    consumer: Annotated[Service, Field("Consumer")],
    provider: Annotated[Service, Field("Provider")],
    name: Annotated[str, Field("API, topic or queue", max_length=120)] = "API",
    kind: Annotated[Contract.Kind, Field("Kind")] = Contract.Kind.API,
    description: Annotated[str, Field("Description", long=True)] = "",
) -> Contract:
    """Record that a service relies on an API or an event stream of another one."""
    if consumer.pk == provider.pk:
        refuse("contract.same", "A service has no contract with itself.", field="provider")
    if not name.strip():
        refuse("contract.name", "Name the API, topic or queue.", field="name")
    return Contract.objects.create(
        consumer=consumer, provider=provider, name=name.strip(), kind=kind, description=description
    )


@action("contract.edit", on=Contract, requires="trains.manage")
def edit_contract(
    actor: Actor,
    contract: Contract,
    *,
    kind: Annotated[Contract.Kind | None, Field("Kind")] = None,
    description: Annotated[str | None, Field("Description", long=True)] = None,
) -> Contract:
    """Change what is said about a contract; what is left empty stays."""
    if kind:
        contract.kind = kind
    if description is not None:
        contract.description = description
    contract.save()
    return contract


@action(
    "contract.retire",
    on=Contract,
    requires="trains.manage",
    danger=True,
    confirm="The contract no longer holds back any deployment.",
)
def retire_contract(
    actor: Actor, contract: Contract, *, reason: Annotated[str, Field("Reason", long=True)]
) -> Contract:
    """The consumer relies on the provider no longer."""
    if contract.retired_at:
        refuse("contract.retired", f"{contract} is retired already.")
    contract.retired_at = now()
    contract.save()
    return contract


@action("contract.revive", on=Contract, requires="trains.manage")
def revive_contract(actor: Actor, contract: Contract) -> Contract:
    """The consumer relies on the provider again."""
    if not contract.retired_at:
        refuse("contract.in_force", f"{contract} is in force.")
    contract.retired_at = None
    contract.save()
    return contract
