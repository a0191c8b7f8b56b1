"""The interface's own resource: saved views."""

from django.db.models import Q, QuerySet

from releasetrain.kernel.actor import Actor

from .models import SavedView
from .resources import Resource, register


def _mine_and_shared(actor: Actor) -> QuerySet:
    return SavedView.objects.filter(Q(shared=True) | Q(owner_id=actor.user_id))


register(
    Resource(
        SavedView,
        plural="saved-views",
        section="settings",
        icon="list",
        columns=("name", "listed", "owner", "shared"),
        filters=("listed", "shared"),
        search=("name",),
        order=("listed", "name"),
        rows=_mine_and_shared,
        template="generic/saved_view.html",
    )
)
