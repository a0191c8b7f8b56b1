"""Verbs of one's own account."""

from __future__ import annotations

from typing import Annotated, Any

from releasetrain.accounts.models import User
from releasetrain.audit.doorway import action
from releasetrain.kernel import locales
from releasetrain.kernel.actor import Actor
from releasetrain.kernel.fields import KEEP, Field
from releasetrain.kernel.refusals import refuse


def _now_of(name: str) -> Any:
    return lambda actor, subject: (
        User.objects.values_list(name, flat=True).filter(pk=actor.user_id).first() or ""
    )


@action("account.choose_language", requires="organization.view", label="Choose language and formats")
def choose_language(
    actor: Actor,
    *,
    language: Annotated[
        str,
        Field(
            "Language",
            help="Empty: as your organization or your browser.",
            choices=locales.languages,
            initial=_now_of("language"),
        ),
    ] = KEEP,
    region: Annotated[
        str,
        Field(
            "Dates and numbers as in",
            help="Empty: as the language goes.",
            choices=locales.regions,
            initial=_now_of("region"),
        ),
    ] = KEEP,
) -> dict[str, str]:
    """Choose the language of your pages and whose way of writing dates and numbers they follow, in every organization."""
    if actor.user_id is None or actor.kind != "person":
        refuse("account.nobody", "Only a person reads pages.", status=403)
    user = User.objects.select_for_update().get(pk=actor.user_id)
    if language is not KEEP:
        user.language = language
    if region is not KEEP:
        user.region = region
    user.save(update_fields=["language", "region"])
    return {"language": user.language, "region": user.region}
