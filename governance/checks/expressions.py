"""The check that a gate's owner writes in CEL over the facts of a release."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from governance.expressions import evaluator
from governance.expressions.document import document_of

from .context import CheckContext
from .parameters import BadParameter, Parameter
from .registry import Outcome, check, failed, passed


def _fit(source: Any) -> str:
    """The expression, if it can be asked at all."""
    fault = evaluator.fault(str(source))
    if fault:
        raise BadParameter(f"Expression: {fault}")
    return str(source)


EXPRESSION = Parameter(
    str,
    "Expression",
    "",
    "In CEL, over release, items, artifacts, services, change, tests, coverage, history, environment and at."
    " True passes; anything else does not.",
    long=True,
    longest=evaluator.LONGEST,
    vet=_fit,
)


def _again(facts: Mapping[str, Any], *, expression: str, says: str) -> str | None:
    """Another expression over the facts recorded then."""
    try:
        # The moment is not recorded; an expression that names it has no answer here.
        return "pass" if evaluator.evaluate(expression, dict(facts["document"])) else "fail"
    except evaluator.NoAnswer:
        return None


@check(
    "expression",
    title="Expression",
    parameters={
        "expression": EXPRESSION,
        "says": Parameter(str, "In words", "", "What it demands; shown where it fails."),
    },
    words=lambda expression, says: says or expression or "What the gate's owner has written in CEL holds.",
    max_age_hours=1,
    rejudge=_again,
)
def expression_holds(ctx: CheckContext, *, expression: str, says: str) -> Outcome:
    """An expression in CEL over the facts of the release holds. One without an answer is an error, never a pass."""
    document = document_of(ctx)
    # The moment is no fact about the release: equal facts give an equal digest of inputs.
    facts = {"document": {name: value for name, value in document.items() if name != "at"}}
    try:
        holds = evaluator.evaluate(expression, document)
    except evaluator.NoAnswer as why:
        return Outcome(
            "error", f"The expression has no answer: {why}", "Correct the expression.", facts=facts
        )
    said = says or expression
    if holds:
        # The moment and the history of deployments change by themselves.
        return passed(f"Holds: {said}", facts=facts, valid_until=ctx.at + timedelta(hours=1))
    return failed(f"Does not hold: {said}", "Bring about what the expression demands.", facts=facts)
