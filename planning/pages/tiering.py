"""The tier rule in force, and the form that changes it: first what would change, then the next version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from planning.actions.tiering import publish_tier_rule
from planning.models import TierRule
from planning.queries.tiering import Change, preview, rule_in_force
from planning.rules.tiering import KINDS, QUESTIONS, TIERS, faults
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused

KIND_TITLES = {"review": "Reviews", "test": "Tests", "checkpoint": "Checkpoints"}


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: Any) -> HttpResponse:
    """Read the rule; preview another; publish it."""
    number, present, row = rule_in_force()
    sent: Mapping[str, Any] = request.POST if request.method == "POST" else typed(present)
    refusals: list[Refusal] = []
    changes: list[Change] | None = None
    if request.method == "POST":
        content = written(request.POST)
        try:
            if request.POST.get("act") == "publish":
                with transaction.atomic():
                    rule = publish_tier_rule(
                        request.actor, content=content, note=request.POST.get("note", "")
                    )
                messages.success(request, f"{rule} is in force.")
                return redirect_to(request.path)
            wrong = faults(content)
            if wrong:
                raise Refused(*[Refusal("tier_rule.invalid", w.sentence, status=422) for w in wrong])
            changes = preview(content)
        except Refused as refused:
            refusals = refused.refusals
    context = {
        "title": "Risk tier rule",
        "section": "backlog",
        "crumbs": [
            ("Features", f"{links.page_root()}features/"),
            ("Refinement", f"{links.page_root()}features/refinement/"),
            ("Risk tier rule", ""),
        ],
        "number": number,
        "row": row,
        "initial": typed(present),
        "questions": _questions(sent),
        "limits": [(n, f"limit.{n}", sent.get(f"limit.{n}", "")) for n in (1, 2, 3)],
        "tiers": _tiers(sent),
        "note": request.POST.get("note", ""),
        "changes": changes,
        "moving": sum(change.moves for change in changes or ()),
        "refusals": refusals,
        "decision": publish_tier_rule.decide(request.actor, None, {}),
        "versions": list(TierRule.objects.select_related("published_by").order_by("-number")[:20]),
        "address": request.path,
    }
    return page(request, "planning/tier_rule.html", context, status=refusals[0].status if refusals else 200)


def typed(content: Mapping[str, Any]) -> dict[str, str]:
    """A rule as the inputs of the form."""
    found: dict[str, str] = {}
    for question in QUESTIONS:
        for answer in question.answers:
            said = content["questions"][question.name][answer]
            found[f"points.{question.name}.{answer}"] = str(said["points"])
            found[f"least.{question.name}.{answer}"] = str(said["at_least"] or "")
            found[f"adds.{question.name}.{answer}"] = "\n".join(f"{k}: {n}" for k, n in said["adds"])
    for n, limit in enumerate(content["limits"], 1):
        found[f"limit.{n}"] = str(limit)
    for tier in TIERS:
        for kind in KINDS:
            found[f"tier.{tier}.{kind}"] = "\n".join(content["tiers"][str(tier)][kind])
    return found


def written(sent: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of the form as a rule; what is no number stays as it is, and is refused as such."""
    return {
        "questions": {
            question.name: {
                answer: {
                    "points": _number(sent.get(f"points.{question.name}.{answer}", "")),
                    "at_least": _number(sent.get(f"least.{question.name}.{answer}", "")) or None,
                    "adds": _adds(sent.get(f"adds.{question.name}.{answer}", "")),
                }
                for answer in question.answers
            }
            for question in QUESTIONS
        },
        "limits": [_number(sent.get(f"limit.{n}", "")) for n in (1, 2, 3)],
        "tiers": {
            str(tier): {kind: _lines(sent.get(f"tier.{tier}.{kind}", "")) for kind in KINDS} for tier in TIERS
        },
    }


def _number(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _adds(text: str) -> list[list[str]]:
    """Lines such as "test: Penetration test"."""
    return [[part.strip() for part in line.split(":", 1)] for line in _lines(text)]


def _questions(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "title": question.title,
            "answers": [
                {
                    "label": label,
                    "ident": f"{question.name}-{answer}",
                    **{
                        part: (
                            f"{part}.{question.name}.{answer}",
                            sent.get(f"{part}.{question.name}.{answer}", ""),
                        )
                        for part in ("points", "least", "adds")
                    },
                }
                for answer, label in question.answers.items()
            ],
        }
        for question in QUESTIONS
    ]


def _tiers(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "tier": tier,
            "kinds": [
                (KIND_TITLES[kind], f"tier.{tier}.{kind}", sent.get(f"tier.{tier}.{kind}", ""))
                for kind in KINDS
            ],
        }
        for tier in TIERS
    ]
