"""What the pages of replays, environments' rules, preflight and waivers in use show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from governance.models import EnvironmentRule, Evaluation, Gate, Replay
from governance.preflight import OFF, PRECONDITIONS, preflight, weights
from governance.queries.promotion import flagged_starts, running_in, waiting_for
from governance.queries.waiver_use import report
from governance.rules.confusion import CLASSES, summary
from releasetrain.audit.doorway import actions
from releasetrain.interface import links
from releasetrain.interface.pages import page
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Ref
from trains.models import Environment, Release, Service

SHOWN = 50
_CLASSES = {
    "caught": ("Caught", "Stopped, and it turned out badly."),
    "missed": ("Missed", "Let through, and it turned out badly."),
    "false_alarm": ("False alarms", "Stopped, although it went well."),
    "right": ("Rightly let through", "Let through, and it went well."),
    "refused": ("Not replayable", "What was read then is no longer known, or nobody asked."),
}
_WEIGHTS = {"refuse": "refuses the start", "flag": "is put on record", "off": "is not asked"}


def replay_page(request: Any, replay: Replay) -> dict[str, Any]:
    """The counts, and each release behind them; `class` in the address picks those of one count."""
    wanted = request.GET.get("class", "")
    flips = request.GET.get("flip", "")
    rows = replay.rows
    if wanted in CLASSES:
        rows = [r for r in rows if r["class"] == wanted]
    if flips in ("stopped", "let_through"):
        rows = [r for r in rows if r["flip"] == flips]
    counts = replay.counts or summary([])
    keys = [r["evaluation"] for r in rows[:SHOWN] if r["evaluation"]]
    known = {e.key: e for e in Evaluation.objects.filter(key__in=keys)}
    again = actions()["gate.replay"]
    return {
        "replay": replay,
        "working": not replay.is_settled,
        "counts": counts,
        "classes": [
            {
                "word": word,
                "label": label,
                "help": said,
                "candidate": counts["candidate"][word],
                "before": counts["before"][word],
                "binding": counts["binding"][word],
            }
            for word, (label, said) in _CLASSES.items()
        ],
        "picked": _CLASSES[wanted][0]
        if wanted in CLASSES
        else {"stopped": "Newly stopped", "let_through": "Newly let through"}.get(flips, ""),
        "lines": [
            {
                **row,
                "url": links.url_of_ref(Ref(row["kind"], row["id"], row["label"])),
                "at": datetime.fromisoformat(row["at"]),
                "word": _CLASSES[row["class"]][0],
                "incidents": [
                    {"label": i["label"], "url": links.url_of_ref(Ref(i["kind"], i["id"], i["label"]))}
                    for i in row["incidents"]
                ],
                "evaluation_url": links.url_for(known[row["evaluation"]])
                if row["evaluation"] in known
                else "",
                "telling": [c for c in row["checks"] if c["verdict"] not in ("pass", None)][:3],
                "unknown": [c["name"] for c in row["checks"] if c["verdict"] is None],
            }
            for row in rows[:SHOWN]
        ],
        "more": max(0, len(rows) - SHOWN),
        "advisory": replay.gate.mode == Gate.Mode.SHADOW,
        "again": again.decide(request.actor, replay.gate),
        "again_url": links.verb_url(again, replay.gate),
    }


def rule_page(request: Any, rule: EnvironmentRule) -> dict[str, Any]:
    """The rule in words, who runs there and who waits."""
    environment = rule.environment
    held = weights(environment, rule)
    running = running_in(environment)
    return {
        "rule": rule,
        "preconditions": [
            {"title": p.title, "help": p.help, "word": _WEIGHTS[held[p.name]], "off": held[p.name] == OFF}
            for p in PRECONDITIONS
        ],
        "tags": [EnvironmentRule.Tag(tag).label for tag in rule.tags if tag in EnvironmentRule.Tag.values],
        "running": running,
        "flagged": flagged_starts(environment),
        "waiting": waiting_for(environment, now()),
        "set_url": f"{links.verb_url(actions()['environment_rule.set'])}?environment={environment.pk}",
        "set": actions()["environment_rule.set"].decide(request.actor, None, {"environment": environment}),
        "preflight_url": f"{reverse('preflight', args=[request.organization.slug])}?environment={environment.pk}",
    }


def preflight_page(request: Any) -> Any:
    """Choose a service and an environment, perhaps a release; the answer stands below, each failure with its object."""
    services = list(Service.objects.order_by("name")[:2000])
    environments = list(Environment.objects.all())
    service = _picked(services, request.GET.get("service", ""))
    environment = _picked(environments, request.GET.get("environment", ""))
    wanted = request.GET.get("release", "").strip()
    release = Release.objects.select_related("train").filter(key=wanted).first() if wanted else None
    fault = f"There is no release {wanted[:40]}." if wanted and release is None else ""
    found = None
    if service is not None and environment is not None and not fault:
        if request.actor.may("gates.ask", service) or request.actor.may("deployments.record", service):
            found = preflight(service, environment, release=release)
        else:
            fault = "You need the permission gates.ask on the service."
    lines = [
        {
            "title": a.precondition.title,
            "verdict": a.verdict,
            "weight": _WEIGHTS[a.weight],
            "off": a.weight == OFF,
            "reason": a.reason,
            "remedy": a.remedy,
            "objects": [{"label": r.label, "url": links.url_of_ref(r)} for r in a.objects[:5]],
        }
        for a in (found.answers if found else ())
    ]
    context = {
        "title": "Preflight",
        "section": "preflight",
        "services": services,
        "environments": environments,
        "service": service,
        "environment": environment,
        "release": wanted,
        "found": found,
        "lines": lines,
        "fault": fault,
    }
    return page(request, "governance/preflight.html", context, status=422 if fault else 200)


def _picked(rows: list[Any], ref: str) -> Any:
    return next((row for row in rows if str(row.pk) == ref or row.name == ref), None) if ref else None


def waivers_page(request: Any) -> Any:
    """All waivers with what they let through."""
    lines = report()
    state = request.GET.get("state", "")
    shown = [line for line in lines if line.standing == state] if state else lines
    context = {
        "title": "Waivers in use",
        "section": "gates",
        "crumbs": [("Gates", links.page_root() + "gates/"), ("Waivers in use", "")],
        "lines": shown[:SHOWN],
        "more": max(0, len(shown) - SHOWN),
        "picked": state,
        "counts": [
            (word, sum(line.standing == word for line in lines))
            for word in ("in force", "expired", "requested", "refused", "revoked")
        ],
        "used": sum(line.used > 0 for line in lines),
        "all": len(lines),
    }
    return page(request, "governance/waivers_in_use.html", context)
