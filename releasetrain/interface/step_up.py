"""Step-up: acts that need a sign-in within the last minutes. A token is its own credential: not asked again."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records

from releasetrain.audit.doorway import Action
from releasetrain.kernel.refusals import Refusal, Refused


def needed(request: Any, action: Action) -> bool:
    """Whether this person has to sign in again before the act."""
    if not action.step_up or getattr(request, "auth", None) is not None:
        return False
    proofs = [record["at"] for record in get_authentication_records(request, request.user)]
    return not proofs or time.time() - max(proofs) > app_settings.REAUTHENTICATION_TIMEOUT


def require(request: Any, action: Action) -> None:
    """Refuse (403) in the API when the session's sign-in is too old for the act."""
    if needed(request, action):
        raise Refused(
            Refusal(
                "step_up.required",
                "This act needs a sign-in within the last minutes.",
                remedy="Sign in again under /accounts/reauthenticate/, then repeat it.",
                status=403,
            )
        )
