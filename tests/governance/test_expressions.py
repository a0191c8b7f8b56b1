"""Expressions of gates: what holds passes, and nothing hostile ever passes, hangs or takes a worker down."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from governance.actions.gates import publish_version
from governance.expressions import evaluator
from governance.expressions.document import NAMES
from releasetrain.kernel.refusals import Refused
from tests.governance.gateway import junit

DOCUMENT = {
    "release": {"tier": 2, "items": 3},
    "items": [{"classification": "feature", "tier": 3}, {"classification": "hotfix", "tier": 1}],
    "tests": {"failed": 0, "passed": 12},
    "coverage": {"percent": 81.5},
    "change": None,
}
TEN = "[1,2,3,4,5,6,7,8,9,0]"
HOSTILE = [
    "(" * 900 + "1" + ")" * 900,
    "!" * 1500 + "true",
    "[" * 900,
    '["x"]' + ".map(x, x + x)" * 60 + ".size() == 1",
    f"{TEN}.all(a,{TEN}.all(b,{TEN}.all(c,{TEN}.all(d,{TEN}.all(e,{TEN}.all(f,{TEN}.all(g, true)))))))",
    '"' + "a" * 300 + '".matches("(a*)*b") ? true : nothing',
    "release.nothing",
    "1",
    "'true'",
    "null",
    "[true]",
    "",
    "   ",
    "true" * 600,
    "__import__('os').system('true')",
    "release.__class__ == 1",
    "change.approved",
    "1 / 0 == 1",
    "\x00",
    "тrue",
]


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("release.tier <= 2 && tests.failed == 0", True),
        ("items.all(i, i.tier > 1)", False),
        ("items.exists(i, i.classification == 'hotfix')", True),
        ("coverage.percent >= 80.0", True),
        ("items.filter(i, i.classification == 'hotfix').size() <= 1", True),
        ("change != null && change.approved", False),
        ("has(release.tier) && !has(release.nothing)", True),
        ("release != null && null != items && change == null", True),
    ],
)
def test_an_expression_says_what_it_says(source: str, holds: bool) -> None:
    assert evaluator.evaluate(source, DOCUMENT) is holds


@pytest.mark.parametrize("source", HOSTILE, ids=lambda s: s[:24] or "empty")
def test_hostile_expressions_have_no_answer_and_do_not_hang(source: str) -> None:
    began = time.monotonic()
    with pytest.raises(evaluator.NoAnswer):
        evaluator.evaluate(source, DOCUMENT)
    assert time.monotonic() - began < evaluator.PATIENCE + 2
    # The next question is answered as if nothing had been.
    assert evaluator.evaluate("tests.passed == 12", DOCUMENT) is True


# Nothing that people or fuzzers make of the language's words is taken for true unless its value is exactly true.
_ATOM = st.sampled_from(
    [
        "true",
        "false",
        "null",
        "1",
        "0",
        "-1",
        "2.5",
        "'a'",
        "[]",
        "{}",
        "release",
        "release.tier",
        "items",
        "tests.failed",
        "change",
        "nothing",
        "[1,2]",
        "1u",
    ]
)
_SOURCE = st.recursive(
    _ATOM,
    lambda inner: st.one_of(
        st.tuples(
            inner, st.sampled_from(["==", "!=", "<", ">", "&&", "||", "+", "-", "*", "/", "%", "in"]), inner
        ).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda s: f"!({s})"),
        inner.map(lambda s: f"size({s})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"items.exists(i, {t[0]} == {t[1]})"),
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(_SOURCE, st.text(max_size=80)))
@example("true || nothing")
def test_an_answer_is_exactly_true_or_false_and_the_opposite_of_its_negation(source: str) -> None:
    try:
        holds = evaluator.evaluate(source, DOCUMENT)
    except evaluator.NoAnswer:
        return
    assert isinstance(holds, bool)
    negated = f"!({source}\n)"
    if len(negated) <= evaluator.LONGEST:
        assert evaluator.evaluate(negated, DOCUMENT) is not holds


def test_a_process_that_is_killed_is_replaced() -> None:
    assert evaluator.evaluate("release.tier == 2", DOCUMENT) is True
    process = evaluator._child._process
    assert process is not None
    os.kill(process.pid, 9)
    process.wait()
    assert evaluator.evaluate("release.tier == 2", DOCUMENT) is True


def test_facts_beyond_the_limit_are_refused_before_they_are_sent() -> None:
    with pytest.raises(evaluator.NoAnswer, match="too large"):
        evaluator.evaluate("true", {"items": ["x" * 1000] * 300})


def expression(source: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "expression",
        "name": "rule",
        "parameters": {"expression": source, **more},
        "max_age_hours": 1,
    }


def test_a_gate_asks_an_expression_about_the_facts_of_a_build(gateway: Any) -> None:
    gateway.publish(
        expression(
            "tests.failed == 0 && tests.total >= 3 && services.all(s, s.tier <= 2)",
            says="Tests of tier 1 pass",
        )
    )
    assert gateway.evaluate().verdict == "fail"  # no reports yet
    gateway.post(junit(3))
    done = gateway.evaluate()
    assert done.verdict == "pass"
    check = gateway.check(done, "rule")
    assert check["rule"] == "Tests of tier 1 pass"
    assert check["facts"]["document"]["tests"]["passed"] == 3
    assert set(check["facts"]["document"]) == set(NAMES) - {"at"}


def test_an_expression_without_an_answer_is_an_error_never_a_pass(gateway: Any) -> None:
    gateway.publish(expression("release.tier == 1"))  # a build alone has no release
    done = gateway.evaluate()
    assert done.verdict == "error"
    assert "no answer" in gateway.check(done, "rule")["reason"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("tests.failed ==", "not an expression"),
        ("tets.failed == 0", "nothing called tets"),
        ("", "no expression"),
    ],
)
def test_an_expression_that_cannot_work_is_refused_when_it_is_published(
    gateway: Any, source: str, said: str
) -> None:
    with gateway.scope("release_manager") as manager, pytest.raises(Refused, match=said) as caught:
        publish_version(manager, gateway.gate, checks=[expression(source)])
    assert caught.value.refusals[0].field == "checks/0/parameters/expression"
