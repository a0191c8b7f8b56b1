"""The process that evaluates expressions: reads one request a line, answers one line, knows nothing of the product.

It has no environment, no files to write and little memory, and the kernel ends it when one expression takes too long,
whatever the interpreter is doing then. Started by `governance.expressions.evaluator`.
"""

from __future__ import annotations

import json
import math
import resource
import signal
import sys
from typing import Any

import celpy
import lark
from celpy.adapter import json_to_cel
from celpy.evaluation import base_functions

MEMORY = 384 * 2**20
SECONDS = 1.0
MOST_NODES = 4_000
# The names that an expression may use without any document: types of the language.
TYPES = frozenset(
    [
        "int",
        "uint",
        "double",
        "bool",
        "string",
        "bytes",
        "list",
        "map",
        "type",
        "null_type",
        "timestamp",
        "duration",
        "dyn",
        "google",
    ]
)
MACROS = frozenset(["all", "exists", "exists_one", "map", "filter", "reduce", "min"])


def _equal(one: Any, other: Any) -> Any:
    """Equality with null, which the library refuses for maps and lists (CEL specification, Equality: it is false)."""
    if one is None or other is None:
        return celpy.celtypes.BoolType(one is other)
    return base_functions["_==_"](one, other)


def _unequal(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return celpy.celtypes.BoolType(one is not other)
    return base_functions["_!=_"](one, other)


EQUALITY = {"_==_": _equal, "_!=_": _unequal}


class Unfit(Exception):
    """The expression cannot be used, and why."""


def compiled(environment: celpy.Environment, source: str, names: frozenset[str]) -> Any:
    """The syntax tree, if it is small and names nothing unknown."""
    try:
        tree = environment.compile(source)
    except celpy.CELParseError as error:
        where = f" at line {error.line}, column {error.column}" if error.line else ""
        raise Unfit(f"It is not an expression of CEL{where}.") from error
    if sum(1 for _ in tree.iter_subtrees()) > MOST_NODES:
        raise Unfit("It is too large.")
    unknown = sorted(_free_names(tree) - names - TYPES)
    if unknown:
        raise Unfit(
            f"There is nothing called {unknown[0]}; an expression may use {', '.join(sorted(names))}."
        )
    return tree


def _free_names(tree: Any) -> set[str]:
    """Names that must come from the document; those that a macro introduces are its own."""
    used = {str(node.children[0]) for node in tree.find_data("ident") if node.children}
    own = set()
    for call in tree.find_data("member_dot_arg"):
        if len(call.children) > 2 and str(call.children[1]) in MACROS:
            first = next(iter(call.children[2].find_data("ident")), None)
            if first is not None:
                own.add(str(first.children[0]))
    return used - own


def answer(environment: celpy.Environment, request: dict[str, Any]) -> dict[str, Any]:
    """What came of one request: a value that is exactly true or false, or why there is none."""
    try:
        tree = compiled(environment, request["source"], frozenset(request["names"]))
        if "document" not in request:
            return {"ok": True}
        facts = {name: json_to_cel(value) for name, value in request["document"].items()}
        value = environment.program(tree, functions=EQUALITY).evaluate(facts)
    except Unfit as unfit:
        return {"ok": False, "sentence": str(unfit)}
    except celpy.CELEvalError as error:
        return {"ok": False, "sentence": f"It has no answer for these facts: {_first_words(error)}."}
    except (RecursionError, lark.exceptions.LarkError):
        return {"ok": False, "sentence": "It is nested too deeply."}
    except MemoryError:
        return {"ok": False, "sentence": "It needs too much memory.", "spent": True}
    except Exception as error:
        return {"ok": False, "sentence": f"It could not be evaluated ({type(error).__name__})."}
    if request.get("want") == "number":
        return _number(value)
    if not isinstance(value, celpy.celtypes.BoolType):
        return {
            "ok": False,
            "sentence": f"It gives {type(value).__name__.removesuffix('Type').lower()}, not true or false.",
        }
    return {"ok": True, "value": bool(value)}


def _number(value: Any) -> dict[str, Any]:
    """The value as a finite number, or why it is none. Types of the language derive from Python's; products are plain."""
    if isinstance(value, bool | celpy.celtypes.BoolType) or not isinstance(value, int | float):
        kind = type(value).__name__.removesuffix("Type").lower()
        return {"ok": False, "sentence": f"It gives {kind}, no number."}
    number = float(value)
    if not math.isfinite(number):
        return {"ok": False, "sentence": "It gives no finite number: something is divided by zero."}
    return {"ok": True, "value": number}


def _first_words(error: Exception) -> str:
    said = str(error.args[0]) if error.args else type(error).__name__
    return said.split(" (in activation", 1)[0][:200]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    environment = celpy.Environment()
    for line in sys.stdin:
        # No handler: the kernel itself ends the process, even inside a long call of the interpreter.
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        said = answer(environment, json.loads(line))
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(json.dumps(said), flush=True)
        if said.get("spent"):
            return


if __name__ == "__main__":
    main()
