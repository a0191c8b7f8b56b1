"""Parts of pages that have verbs of their own, such as a root cause on the page of its problem."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from releasetrain.audit.doorway import actions_on
from releasetrain.interface.links import verb_url


def verbs_of_part(request: HttpRequest, subject: Any) -> list[dict[str, Any]]:
    """The verbs of a part of the page, as buttons."""
    actor = request.actor  # type: ignore[attr-defined]
    found = [
        {
            "action": a,
            "decision": a.decide(actor, subject),
            "url": verb_url(a, subject),
            "css": "sm",
            "ident": str(subject.pk),
        }
        for a in actions_on(type(subject))
        if not a.hidden
    ]
    # A verb that the state rules out is no question here; one that the person may not do says why.
    return [v for v in found if not any(r.code == "state.illegal" for r in v["decision"].refusals)]
