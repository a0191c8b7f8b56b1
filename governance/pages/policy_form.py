"""The form of a new version of the approval policy: rules and questionnaire, each in fields of their own."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from governance.actions.policies import publish_policy
from governance.models import Board
from governance.queries.risk import policy_in_force, questionnaire
from governance.rules import policies as rules
from governance.rules.risk import MOST_ANSWERS, MOST_POINTS, MOST_QUESTIONS, MOST_WEIGHT
from releasetrain.interface import links, step_up
from releasetrain.interface.pages import page, redirect_to
from releasetrain.kernel.refusals import Refusal, Refused

from .policies import rules_in_words

NEW_RULE = {"name": "", "when": {}, "route": rules.BOARD}
ANSWER = re.compile(r"\s*(\d{1,3})\s+(.+?)\s*")


@require_http_methods(["GET", "HEAD", "POST"])
def new_version(request: Any) -> HttpResponse:
    """Rules in their order and the questionnaire; what is wrong is said at the rule or question."""
    last = policy_in_force()
    questions, bands = questionnaire(last)
    sent = {
        "rules": list(last.rules if last else rules.STANDARD_RULES),
        "questions": questions,
        "bands": bands,
        "note": "",
    }
    refusals: list[Refusal] = []
    status = 200
    if step_up.needed(request, publish_policy):
        return step_up.asked_first(request, request.get_full_path())
    before = step_up.kept(request)
    if before is not None:
        sent = _sent(before, questions)
    if request.method == "POST":
        sent = _sent(request.POST, questions)
        if "publish" in request.POST:
            try:
                return redirect_to(publish_policy(request.actor, **sent))
            except Refused as refused:
                refusals, status = refused.refusals, refused.status
    decision = publish_policy.decide(request.actor)
    impacts = next((q["answers"] for q in sent["questions"] if q["key"] == "impact"), [])
    context = {
        "title": "New version of the approval policy",
        "section": "approval_policies",
        "crumbs": [("Approval policy", f"{links.page_root()}approval-policies/"), ("New version", "")],
        "policy": last,
        "rules": [_rule(i, rule, impacts) for i, rule in enumerate(sent["rules"])],
        "questions": [_question(i, q) for i, q in enumerate(sent["questions"])],
        "bands": sent["bands"],
        "note": sent["note"],
        "boards": list(Board.objects.values_list("name", flat=True)),
        "limits": {
            "weight": MOST_WEIGHT,
            "points": MOST_POINTS,
            "answers": MOST_ANSWERS,
            "questions": MOST_QUESTIONS,
        },
        "before": _in_words(last.rules) if last else {},
        "after": _in_words([r for r in sent["rules"] if r["name"]]),
        "refusals": refusals or decision.refusals,
        "blocked": not decision.allowed,
        "back": f"{links.page_root()}approval-policies/",
    }
    return page(request, "governance/policy_form.html", context, status=status)


def _in_words(given: list[dict[str, Any]]) -> dict[str, str]:
    return {r["name"]: f"{r['when']}: {r['then']}" for r in rules_in_words(given)}


def _rule(index: int, rule: dict[str, Any], impacts: list[dict[str, Any]]) -> dict[str, Any]:
    """One rule as the form shows it."""
    when = rule.get("when", {})
    words = rules_in_words([rule])[0]
    return {
        "index": index,
        "number": index + 1,
        "name": rule["name"],
        "to": f"board:{rule.get('board', '')}" if rule["route"] == rules.BOARD else rule["route"],
        "sample": rule.get("sample", 0),
        "words": f"{words['when']}: {words['then']}",
        "conditions": [
            {
                "name": f"r{index}-{name}",
                "title": condition.title,
                "form": condition.form,
                "value": when.get(name),
                "options": [
                    (value, label, value in (when.get(name) or ()))
                    for value, label in _options(condition, impacts)
                ]
                if condition.form == "list"
                else [],
            }
            for name, condition in rules.CONDITIONS.items()
        ],
    }


def _options(condition: rules.Condition, impacts: list[dict[str, Any]]) -> list[tuple[Any, str]]:
    """What a list may hold: its fixed values, or the answers of the question after the impact."""
    if condition.values:
        return [(value, str(value).capitalize()) for value in condition.values]
    return [(answer["value"], answer["label"]) for answer in impacts]


def _question(index: int, question: dict[str, Any]) -> dict[str, Any]:
    return {
        "index": index,
        "number": index + 1,
        **question,
        "lines": "\n".join(f"{a['points']} {a['label']}" for a in question["answers"]),
    }


def _sent(data: Any, known: list[dict[str, Any]]) -> dict[str, Any]:
    """What the form carries, in the order of its numbers; what was removed is left out, what was added is empty."""
    found_rules = _placed(data, "rule", lambda i: _sent_rule(data, i))
    found_questions = _placed(data, "question", lambda i: _sent_question(data, i, known))
    if "add-rule" in data:
        found_rules.append({**NEW_RULE, "when": {}})
    if "add-question" in data:
        keys = {q["key"] for q in found_questions}
        key = next(k for k in (f"question_{n}" for n in range(1, 999)) if k not in keys)
        found_questions.append({"key": key, "text": "", "weight": 1, "answers": []})
    return {
        "rules": found_rules,
        "questions": found_questions,
        "bands": {risk: _whole(data.get(risk)) for risk in ("medium", "high")},
        "note": data.get("note", "").strip()[:200],
    }


def _placed(data: Any, kind: str, read: Any) -> list[Any]:
    listed = [
        (_whole(data.get(f"{kind[0]}{i}-place")), number, read(i))
        for number, i in enumerate(data.getlist(kind))
        if i.isdigit() and f"{kind[0]}{i}-remove" not in data
    ]
    return [each for _, _, each in sorted(listed, key=lambda one: one[:2])]


def _sent_rule(data: Any, index: str) -> dict[str, Any]:
    when: dict[str, Any] = {}
    for name, condition in rules.CONDITIONS.items():
        given = [v for v in data.getlist(f"r{index}-{name}") if v != ""]
        if not given:
            continue
        if condition.form == "list":
            numbers = all(isinstance(v, int) for v in condition.values) and condition.values
            when[name] = [int(v) if numbers and v.isdigit() else v for v in given]
        elif condition.form == "flag":
            when[name] = given[0] == "yes"
        else:
            when[name] = _whole(given[0])
    to = data.get(f"r{index}-to", "")
    rule: dict[str, Any] = {"name": data.get(f"r{index}-name", "").strip(), "when": when}
    rule["route"] = rules.POLICY if to == rules.POLICY else rules.BOARD
    if to.startswith("board:") and to != "board:":
        rule["board"] = to.removeprefix("board:")
    if rule["route"] == rules.POLICY:
        rule["sample"] = _whole(data.get(f"r{index}-sample") or "0")
    return rule


def _sent_question(data: Any, index: str, known: list[dict[str, Any]]) -> dict[str, Any]:
    """A question; answers keep their value while they keep their words, so that what was answered stays answered."""
    key = data.get(f"q{index}-key", "")
    values = {a["label"]: a["value"] for q in known if q["key"] == key for a in q["answers"]}
    answers = []
    for line in data.get(f"q{index}-answers", "").splitlines():
        if line.strip():
            found = ANSWER.fullmatch(line)
            label = found[2] if found else line.strip()
            value = values.get(label) or re.sub(r"\W+", "_", label.lower()).strip("_")[:60]
            answers.append({"value": value, "label": label, "points": int(found[1]) if found else None})
    return {
        "key": key,
        "text": data.get(f"q{index}-text", "").strip(),
        "weight": _whole(data.get(f"q{index}-weight")),
        "answers": answers,
    }


def _whole(text: str | None) -> int | None:
    """A whole number, or None, which the rules refuse in words."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else None
