"""System checks of the doorway: nobody plugs into a verb that nobody declares."""

from typing import Any

from django.core.checks import Error, register

from .doorway import unclaimed_plugs


@register()
def plugs_have_their_verb(app_configs: Any, **kwargs: Any) -> list[Error]:
    """A guard on a misspelt verb would silently never run."""
    return [
        Error(f"Something guards or follows the verb {verb}, which no app declares.", id="audit.E001")
        for verb in unclaimed_plugs()
    ]
