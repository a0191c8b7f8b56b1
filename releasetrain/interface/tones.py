"""Tones: which of the six status tones a word of state, severity or verdict wears.

The one table for pages, charts and documents.
"""

from __future__ import annotations

from typing import Any

TONES = ("ok", "warn", "bad", "hold", "info", "idle")

_WORDS = {
    "ok": """
        accepted achieved active adopted approve approved available closed complete completed
        confirmed connected delivered deployed done
        effective enabled endorsed finished fixed go granted green healthy implemented in_service
        kept live low_risk matched met mitigated
        on_track owned pass passed permanent_fix published ready released resolved retained
        satisfied sealed signed succeeded success
        successful valid validated verified yes
    """,
    "warn": """
        abstain accepted_risk ageing approve_with_conditions approved_with_conditions at_risk
        conditional deferred degraded delayed
        deprecated due_soon escalated expiring flagged late medium moderate needs_information needs_work
        observing partial partially_met
        pending_evidence stale unverified warn warning workaround yellow
    """,
    "bad": """
        aborted blocked breached broken conflict critical dead_letter error escaped expired fail
        failed failing high incomplete ineffective
        invalid major missed missing no_go not_met not_satisfied out_of_date overdue red
        refused reject rejected reopened
        lapsed revoke revoked rolled_back severe sev1 sev2 tampered unhealthy unmet unsatisfied violated
    """,
    "hold": """
        exception excepted freeze frozen held hold legal_hold locked on_hold parked paused
        quarantined recused suspended waived
    """,
    "info": """
        analysing analysis assessed assessing assigned building canary collecting committed current
        declared deploying emergency evaluating
        facts causes actions implementing in_development in_progress in_review investigating
        investigation known_error mitigating monitoring
        next now open_for_voting planned planning preparing proposed requested reviewing running
        scheduled scored sealing staged staging
        started submitted testing triage under_review uncommitted validating verifying voting
    """,
    "idle": """
        archived backlog cancelled candidate closed_without_action created disabled draft future
        idle inactive info informational low
        new none not_applicable not_evaluated not_scheduled not_started open pending queued received
        recorded retired skipped stretch superseded
        unassigned unknown unplanned unset waiting withdrawn
    """,
}
_TONE_OF = {word: tone for tone, words in _WORDS.items() for word in words.split()}


def _plain(state: Any) -> str:
    return str(getattr(state, "value", state) or "").strip()


def tone_of(state: Any) -> str:
    """The tone of a word such as ``rolled_back``, ``At risk`` or a choice.

    A word nobody has listed is idle, never good news.
    """
    return _TONE_OF.get(_plain(state).lower().replace(" ", "_").replace("-", "_"), "idle")


def word_for(state: Any) -> str:
    """The word as people read it: a choice's label, else ``rolled_back`` becomes ``Rolled back``."""
    label = getattr(state, "label", None)
    if label:
        return str(label)
    plain = _plain(state)
    return (plain[:1].upper() + plain[1:]).replace("_", " ")
