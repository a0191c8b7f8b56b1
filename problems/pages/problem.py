"""The page of a problem."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from problems.models import Deviation, Incident, Problem, RootCause, SignalReading
from problems.queries.closing import obstacles
from problems.queries.evidence import is_link, record_of
from problems.queries.recurrence import last_window, standing_of
from releasetrain.interface.links import page_root
from releasetrain.kernel.clock import now

from .parts import further_neighbours, verbs_by_weight, verbs_of_part
from .strip import recurrence_strip

# What the page itself shows.
_SHOWN = {
    "services",
    "problem-incidents",
    "root-causes",
    "problem-fixes",
    "observations",
    "recurrence-signals",
    "success-criteria",
    "deviations",
    "window-proposals",
}
# The acts that lead on, by state.
_MAIN = {
    "investigating": ("problem.propose_root_cause", "problem.link_fix"),
    "known_error": ("problem.link_fix", "problem.propose_root_cause"),
    "fix_in_release": ("problem.start_observation", "problem.propose_root_cause"),
    "observing": ("problem.close", "problem.link_incident"),
    "closed": ("problem.reopen",),
}
_STAGES = ("investigating", "known_error", "fix_in_release", "observing", "closed")


def problem_page(request: HttpRequest, problem: Problem) -> dict[str, Any]:
    """What the page shows beyond the generic one: state and obstacles, recurrence, root causes, fixes."""
    at = now()
    incidents = list(
        Incident.objects.filter(problems__problem=problem)
        .order_by("detected_at")
        .prefetch_related("services__service")
    )
    windows = list(
        problem.windows.select_related("deployment__service", "deployment__environment", "breached_by")
    )
    window = last_window(problem)
    observed = min(max(0, (at - window.starts).days), (window.ends - window.starts).days) if window else 0
    return {
        **verbs_by_weight(request, problem, _MAIN[problem.state]),
        "neighbours": further_neighbours(request, problem, _SHOWN),
        "steps": _steps(problem),
        "obstacles": list(obstacles(problem, at)),
        "strip": recurrence_strip(problem, incidents, windows, at) if incidents or windows else None,
        "incidents": list(reversed(incidents)),
        "windows": windows,
        "window": window,
        "observed_days": observed,
        "observed_words": f"{observed}/{problem.observation_days} days",
        "no_window_sentence": f"Starts with the production deployment of the fix and lasts {problem.observation_days} days.",
        "strip_note": f"{len(incidents)} incident{'' if len(incidents) == 1 else 's'}",
        "reopened_words": "Re-opened"
        if problem.reopened_count == 1
        else f"Re-opened {problem.reopened_count} times",
        "standing": standing_of(window, at) if window and window.state == "running" else None,
        "causes": [_cause(request, c) for c in problem.root_causes.select_related("author", "validator")],
        "fixes": list(
            problem.fixes.filter(withdrawn_at__isnull=True).select_related("release__train", "resolver")
        ),
        "window_verbs": verbs_of_part(request, window) if window else [],
        "signals": _signals(request, problem),
        "criteria": [
            {"criterion": c, "verbs": verbs_of_part(request, c)}
            for c in problem.criteria.filter(withdrawn_at__isnull=True)
        ],
        "deviations": [
            {"deviation": d, "verbs": _next_verbs(request, d)}
            for d in problem.deviations.select_related("release", "accepted_by")
        ],
        "proposals": list(problem.window_proposals.exclude(state="superseded")),
        "outcomes": list(reversed(problem.outcomes))[:8],
        "aid_url": f"{page_root()}problems/{problem.key}/decision-aid/",
    }


def _next_verbs(request: HttpRequest, deviation: Deviation) -> list[dict[str, Any]]:
    """What comes next for a deviation: explained, accepted, caught up."""
    if deviation.caught_up_at:
        return []
    wanted = {"deviation.catch_up"} if deviation.accepted_at else {"deviation.accept"}
    if not deviation.reason:
        wanted = {"deviation.explain"}
    return [v for v in verbs_of_part(request, deviation) if v["action"].verb in wanted]


def _signals(request: HttpRequest, problem: Problem) -> list[dict[str, Any]]:
    """Each signal with what was read last."""
    rows = list(problem.signals.filter(retired_at__isnull=True))
    latest = {
        r.signal_id: r
        for r in SignalReading.objects.filter(signal__in=rows)
        .order_by("signal_id", "-ends")
        .distinct("signal_id")
    }
    return [{"signal": s, "last": latest.get(s.pk), "verbs": verbs_of_part(request, s)} for s in rows]


def _steps(problem: Problem) -> list[dict[str, str]]:
    """The way of a problem; a known error is a stop on it that need not be made."""
    here = _STAGES.index(problem.state)
    labels = dict(Problem.State.choices)
    notes = {
        "known_error": "has a workaround" if problem.workaround else "",
        "observing": f"{problem.observation_days} days",
    }
    return [
        {
            "label": labels[stage],
            "note": notes.get(stage, ""),
            "url": "",
            "state": "cur"
            if i == here
            else "done"
            if i < here and (stage != "known_error" or problem.workaround)
            else "",
        }
        for i, stage in enumerate(_STAGES)
    ]


def _cause(request: HttpRequest, cause: RootCause) -> dict[str, Any]:
    return {
        "cause": cause,
        "evidence": [_evidence(e) for e in cause.evidence],
        "verbs": verbs_of_part(request, cause),
    }


def _evidence(reference: str) -> dict[str, Any]:
    link = is_link(reference)
    return {
        "text": reference,
        "url": reference if link else "",
        "record": None if link else record_of(reference),
    }
