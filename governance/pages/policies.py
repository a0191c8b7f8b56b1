"""Pages of the approval policy and of change models: rules in words, the what-if box, the risk questionnaire."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods, require_safe

from governance.actions import assessing
from governance.models import ApprovalPolicy, ChangeModel, ChangeRequest, PolicyDecision
from governance.ports import kinds_of_backlog_items
from governance.queries.policies import facts_of, standing_of
from governance.queries.risk import policy_in_force, questionnaire
from governance.rules import policies as rules
from governance.rules.risk import score
from releasetrain.audit.doorway import actions
from releasetrain.interface import links
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Decision, Refused

SHOWN = 15
FLAGS = ("freeze", "collisions", "regulated", "problem_fix", "pre_approved")
COUNTS = ("failures", "failure_bound")


def rules_in_words(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each rule as a sentence: what it asks for, and who decides then."""
    found = []
    for rule in given:
        asked = [_condition(name, value) for name, value in rule.get("when", {}).items()]
        sample = rule.get("sample", 0)
        then = (
            f"approved by policy{f'; a person looks at {sample} % afterwards' if sample else ''}"
            if rule["route"] == rules.POLICY
            else f"{rule.get('board') or 'the board of the change'} decides"
        )
        found.append(
            {
                "name": rule["name"],
                "when": "; ".join(asked) or "every change",
                "then": then,
                "route": rule["route"],
            }
        )
    return found


def _condition(name: str, value: Any) -> str:
    title = rules.CONDITIONS[name].title
    if isinstance(value, bool):
        return f"{title}: {'yes' if value else 'no'}"
    if isinstance(value, list):
        return f"{title}: {', '.join(str(v) for v in value)}"
    return f"{title} {value}"


def policy_page(request: Any, policy: ApprovalPolicy) -> dict[str, Any]:
    """One version: its rules and questionnaire in words, what it decided, and the box to try it."""
    before = ApprovalPolicy.objects.filter(number__lt=policy.number).first()
    sampled = PolicyDecision.objects.filter(sampled=True, review="").select_related("change")
    return {
        "policy": policy,
        "in_force": policy.pk == getattr(policy_in_force(), "pk", None),
        "rules": rules_in_words(policy.rules),
        "questions": policy.questions,
        "before": {r["name"]: f"{r['when']}: {r['then']}" for r in rules_in_words(before.rules)}
        if before
        else {},
        "after": {r["name"]: f"{r['when']}: {r['then']}" for r in rules_in_words(policy.rules)},
        "decisions": list(policy.decisions.select_related("change")[:SHOWN]),
        "counts": {
            "approved": policy.decisions.filter(outcome="approved").count(),
            "routed": policy.decisions.filter(outcome="routed").count(),
        },
        "to_review": list(sampled[:SHOWN]),
        "what_if_url": f"{links.page_root()}what-would-decide/",
        "publish": publishing(request),
    }


def publishing(request: Any) -> tuple[Decision, str]:
    """Whether this viewer may publish a version, and where."""
    publish = actions()["approval_policy.publish"]
    return publish.decide(request.actor), f"{links.page_root()}approval-policies/new-version/"


@require_safe
def what_if(request: Any) -> HttpResponse:
    """Which board would this change go to, and why: tried with facts that are typed in, or those of a change."""
    policy = policy_in_force()
    asked = request.GET
    change = None
    if asked.get("change"):
        change = (
            ChangeRequest.objects.filter(key=asked["change"].strip().upper())
            .select_related("release__train", "service__train", "environment", "model", "board")
            .first()
        )
        if change is None:
            raise Http404("No such change.")
    facts = facts_of(change) if change is not None else _facts(asked)
    found = rules.route(policy.rules if policy else [], facts) if change is not None or asked else None
    context = {
        "section": "approval_policies",
        "title": "What would decide?",
        "crumbs": [("Approval policy", f"{links.page_root()}approval-policies/"), ("What would decide?", "")],
        "policy": policy,
        "rules": rules_in_words(policy.rules) if policy else [],
        "facts": [(rules_word(name), name, getattr(facts, name)) for name in rules.FACT_NAMES],
        "given": facts,
        "found": found,
        "change": change,
        "types": rules.TYPES,
        "risks": rules.RISKS,
        "kinds": rules.KINDS,
        "verdicts": rules.VERDICTS,
        "flags": [(name, rules_word(name), getattr(facts, name)) for name in FLAGS],
        "counts": [(name, rules_word(name), getattr(facts, name)) for name in COUNTS],
    }
    return page(request, "governance/what_if.html", context)


def rules_word(fact: str) -> str:
    """What a fact is called."""
    named = {"failures": "Failures of similar changes", "failure_bound": "Upper bound of failures, %"}
    titles = {c.fact: c.title for c in rules.CONDITIONS.values()}
    return named.get(fact) or titles.get(fact, fact)


def _facts(asked: Any) -> rules.Facts:
    """The facts that the form carries; what is not said, or is no such value, is unknown."""
    flag = {"yes": True, "no": False}
    found: dict[str, Any] = {name: flag.get(asked.get(name, "")) for name in FLAGS}
    for name, known in (
        ("type", rules.TYPES),
        ("risk", rules.RISKS),
        ("environment", rules.KINDS),
        ("gate", rules.VERDICTS),
    ):
        found[name] = asked.get(name) if asked.get(name) in known else None
    for name in (*COUNTS, "tier"):
        text = asked.get(name, "")
        found[name] = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None
    found["impact"] = asked.get("impact", "")[:40] or None
    return rules.Facts(**found)


def model_page(request: Any, model: ChangeModel) -> dict[str, Any]:
    """A model: what it prescribes, its record with the interval, and its last runs."""
    record = standing_of(model)
    interval = record.interval
    runs = ChangeRequest.objects.filter(model=model).select_related("release").order_by("-created_at")
    create = actions()["change.create_from_model"]
    return {
        "model": model,
        "record": record,
        "low": f"{interval[0]:.1%}" if interval else "",
        "high": f"{interval[1]:.1%}" if interval else "",
        "rate": f"{record.rate:.1%}",
        "allowed": f"{float(model.threshold):.1%}",
        "proof": f"{float(model.proof):.1%}",
        "missing": record.runs_missing(),
        "runs": list(runs[:SHOWN]),
        "runs_url": f"{links.page_root()}changes/?model={model.pk}",
        "new": (create.decide(request.actor), f"{links.verb_url(create)}?model={model.pk}"),
        "drafts_for": [label for value, label in kinds_of_backlog_items() if value in model.drafts_for],
        "declined": model.proposal.get("declined", ""),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def questionnaire_page(request: Any, reference: str) -> HttpResponse:
    """The risk questionnaire of a change, one question under the other."""
    change = (
        ChangeRequest.objects.filter(key=reference)
        .select_related("release__train", "service", "board", "model")
        .first()
    )
    if change is None:
        raise Http404("No such change.")
    questions, bands = questionnaire(policy_in_force())
    given = dict(change.risk_answers)
    refusals: list[Any] = []
    reason, status = "", 200
    if request.method == "POST":
        given = {
            q["key"]: request.POST[f"q-{q['key']}"] for q in questions if f"q-{q['key']}" in request.POST
        }
        reason = request.POST.get("reason", "")
        try:
            with transaction.atomic():
                assessing.assess(request.actor, change, answers=given, reason=reason)
            return redirect_to(links.url_for(change))
        except Refused as refused:
            refusals, status = refused.refusals, refused.status
    context = {
        "section": "changes",
        "title": f"Risk of {change.key}",
        "crumbs": [
            ("Changes", f"{links.page_root()}changes/"),
            (change.key, links.url_for(change)),
            ("Risk", ""),
        ],
        "change": change,
        "decision": assessing.assess.decide(request.actor, change),
        "questions": [{**q, "given": given.get(q["key"], "")} for q in questions],
        "now": score(questions, bands, given) if len(given) == len(questions) else None,
        "bands": bands,
        "refusals": refusals,
        "reason": reason,
    }
    return page(request, "governance/questionnaire.html", context, status=status)
