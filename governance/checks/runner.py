"""Running the checks of a gate version: fail-closed, one record per check.

Whatever a check raises is an error; evidence past its age limit is stale; a parameter that no longer fits, a kind that
is gone and a check that took too long are errors. A waiver lets a failing or pending check through, an error never.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction

from governance.models import Waiver
from releasetrain.kernel.canonical import plain

from . import registry
from .context import CheckContext
from .registry import Outcome

log = logging.getLogger(__name__)

CHECK_SECONDS = 20
# An error may be gone at the next look; nothing in the counted changes would tell.
ERROR_STANDS = timedelta(seconds=60)

Record = dict[str, Any]


def run_checks(specs: list[dict[str, Any]], context: CheckContext, waivers: list[Waiver]) -> list[Record]:
    """The records of all checks, in the gate's order."""
    by_name = {waiver.check_name: waiver for waiver in waivers}
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{CHECK_SECONDS}s'")
    records: list[Record] = []
    out_of_time = False
    for spec in specs:
        if out_of_time:
            outcome = Outcome("error", "Not looked at: the evaluation ran out of time.", "Ask again.")
        else:
            outcome, out_of_time = _run_one(spec, context)
        records.append(_record(spec, outcome, context.at, by_name.get(spec["name"])))
    return records


def _run_one(spec: Mapping[str, Any], context: CheckContext) -> tuple[Outcome, bool]:
    kind = registry.find(spec["kind"])
    if kind is None:
        return Outcome(
            "error",
            f"No check of kind {spec['kind']} is installed.",
            "Publish a version of the gate without it.",
        ), False
    if kind.subject == "release" and context.release is None:
        return Outcome(
            "pending",
            f"This is decided for a release; the build {context.subject_label} alone was asked about.",
            "Ask for the release that carries it.",
        ), False
    limit = timedelta(hours=float(spec["max_age_hours"]))
    context = replace(context, max_age=limit)
    started = time.monotonic()
    try:
        parameters = kind.clean(spec.get("parameters", {}))
        with transaction.atomic():
            outcome = kind.body(context, **parameters)
        if not isinstance(outcome, Outcome) or outcome.verdict not in ("pass", "fail", "pending", "error"):
            return Outcome("error", f"The check {kind.kind} gave no usable answer."), False
        plain(dict(outcome.facts))
    except SoftTimeLimitExceeded:
        return Outcome("error", "The check took too long and was stopped.", "Ask again."), True
    except Exception as error:
        log.exception("check %s crashed", spec["kind"])
        return Outcome(
            "error",
            f"The check could not be carried out: {type(error).__name__}.",
            "Ask again; if it stays, tell the operator.",
        ), False
    if time.monotonic() - started > CHECK_SECONDS:
        return Outcome("error", f"The check took longer than {CHECK_SECONDS} s.", "Ask again."), False
    return _fresh(outcome, context), False


def _fresh(outcome: Outcome, context: CheckContext) -> Outcome:
    """Stale evidence never passes, and fresh evidence only until it is stale."""
    if outcome.verdict == "error":
        return replace(outcome, valid_until=context.at + ERROR_STANDS)
    # Facts read now are as old as this moment: the age limit then bounds how long the answer stands.
    goes_stale = (outcome.as_of or context.at) + context.max_age
    if outcome.verdict == "pass" and goes_stale <= context.at:
        old = (context.at - (outcome.as_of or context.at)).total_seconds() / 3600
        hours = context.max_age.total_seconds() / 3600
        return replace(
            outcome,
            verdict="fail",
            reason=f"Stale: the evidence is {old:.0f} h old, the limit is {hours:g} h. {outcome.reason}",
            remedy="Run the pipeline step again and post its result.",
            valid_until=None,
        )
    if outcome.verdict == "pass":
        outcome = replace(outcome, valid_until=min(filter(None, (outcome.valid_until, goes_stale))))
    return outcome


def _record(spec: Mapping[str, Any], outcome: Outcome, at: datetime, waiver: Waiver | None) -> Record:
    kind = registry.find(spec["kind"])
    until = outcome.valid_until or at + timedelta(hours=float(spec["max_age_hours"]))
    record: Record = {
        "name": spec["name"],
        "kind": spec["kind"],
        "title": kind.title if kind else spec["kind"],
        "rule": _rule(kind, spec),
        "max_age_hours": spec["max_age_hours"],
        "verdict": outcome.verdict,
        "reason": outcome.reason,
        "remedy": outcome.remedy,
        "evidence": [{"kind": ref.kind, "id": ref.id, "label": ref.label} for ref in outcome.evidence],
        "facts": plain(dict(outcome.facts)),
        "as_of": plain(outcome.as_of),
        "valid_until": plain(until) if outcome.verdict != "error" else plain(at + ERROR_STANDS),
        "waiver": None,
    }
    if waiver is not None and outcome.verdict in ("fail", "pending") and spec.get("waivable", True):
        record |= {
            "verdict": "waived",
            "reason": f"Waived by {waiver.key} until {waiver.expires_at:%Y-%m-%d %H:%M} UTC. Without it: {outcome.reason}",
            "waiver": {
                "key": waiver.key,
                "id": str(waiver.pk),
                "expires_at": plain(waiver.expires_at),
                "covers": outcome.verdict,
            },
            # What is waived may change for the worse, but it is let through either way: only the waiver's end counts.
            "valid_until": plain(waiver.expires_at),
        }
    return record


def _rule(kind: registry.CheckKind | None, spec: Mapping[str, Any]) -> str:
    if kind is None:
        return ""
    try:
        return kind.rule(kind.clean(spec.get("parameters", {})))
    except Exception:  # a rule that cannot be said is the check's own error, reported there
        return kind.title
