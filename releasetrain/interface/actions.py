"""Writes of the interface itself: saved views of lists."""

from __future__ import annotations

from typing import Annotated, Any

from releasetrain.audit.doorway import action, register_guard
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import Field
from releasetrain.kernel.refusals import Refusal, refuse

from .models import SavedView


@action("saved_view.create", creates=SavedView, requires="organization.view", label="Save view")
def create_saved_view(
    actor: Actor,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    listed: Annotated[str, Field("List", help="The list's word in addresses, e.g. releases.", max_length=80)],
    query: Annotated[
        str, Field("Search, filters and order", help="As in the list's address.", max_length=2000)
    ] = "",
    shared: Annotated[bool, Field("Show it to everybody in the organization")] = False,
) -> SavedView:
    """Keep a list with its search, filters and order under a name."""
    from .resources import by_plural

    if by_plural(listed) is None:
        refuse("saved_view.list_unknown", f"There is no list {listed}.", field="listed")
    if actor.user_id is None:
        refuse("saved_view.nobody", "Only a person can keep a view.")
    if SavedView.objects.filter(owner_id=actor.user_id, listed=listed, name=name).exists():
        refuse(
            "saved_view.exists",
            f"You have a view {name} of this list.",
            remedy="Choose another name.",
            field="name",
        )
    return SavedView.objects.create(
        name=name, listed=listed, query=query, shared=shared, owner_id=actor.user_id
    )


@action("saved_view.update", on=SavedView, requires="organization.view")
def update_saved_view(
    actor: Actor,
    view: SavedView,
    *,
    name: Annotated[str, Field("Name", max_length=80)],
    shared: Annotated[bool, Field("Show it to everybody in the organization")] = False,
) -> SavedView:
    """Rename a view, or share it."""
    view.name, view.shared = name, shared
    view.save()
    return view


@action(
    "saved_view.delete",
    on=SavedView,
    requires="organization.view",
    danger=True,
    confirm="The list itself stays as it is.",
)
def delete_saved_view(actor: Actor, view: SavedView) -> dict[str, Any]:
    """Forget a view."""
    view.delete()
    return {"forgotten": view.name}


def _own(actor: Actor, view: Any, params: dict[str, Any]) -> Refusal | None:
    if view is None or view.owner_id == actor.user_id or actor.may("organization.manage"):
        return None
    return Refusal(
        "saved_view.foreign",
        f"{view} belongs to {view.owner}.",
        remedy="Save a view of your own.",
        status=403,
    )


register_guard("saved_view.update", _own)
register_guard("saved_view.delete", _own)
