"""What parity of environments plugs in: its check kind, and fresh verdicts when what was seen has changed."""

from __future__ import annotations

from typing import Any

from governance.checks import parity  # noqa: F401 - registers its check kind
from governance.gates import invalidate
from releasetrain.audit.doorway import register_effect
from releasetrain.kernel.actor import Actor
from trains.models import EnvironmentFacts


def facts_changed(actor: Actor, about: Any, params: dict[str, Any]) -> None:
    """An environment may be compared by the gates of any other. A scanner that sees the same again changes nothing."""
    if isinstance(about, EnvironmentFacts):
        if about.repeated:
            return
        before = (
            EnvironmentFacts.objects.filter(
                environment=about.environment_id, source=about.source, observed_at__lt=about.observed_at
            )
            .order_by("-observed_at")
            .first()
        )
        if before is not None and before.digest == about.digest:
            return
    invalidate(organization=True)


for _verb in (
    "environment_facts.post",
    "environment_facts.post_all",
    "environment.describe",
    "environment.tolerate",
):
    register_effect(_verb, facts_changed)
