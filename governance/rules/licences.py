"""SPDX licence expressions against a policy: a choice (OR) needs one allowed licence, AND needs all."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

ALLOWED, DENIED, UNKNOWN = "allowed", "denied", "unknown"
_NONE = {"", "NOASSERTION", "NONE", "UNKNOWN"}
_LONGEST = 500


@cache
def _licensing() -> Any:
    from license_expression import get_spdx_licensing  # type: ignore[import-untyped]

    return get_spdx_licensing()


def unknown_licences(words: Collection[str]) -> list[str]:
    """The words that are no identifiers of the SPDX list, with or without -only and -or-later."""
    known = {key.lower() for key in _licensing().known_symbols}

    def listed(word: str) -> bool:
        return word.lower().startswith("licenseref-") or bool({word.lower(), f"{word.lower()}-only"} & known)

    return [word for word in words if not listed(word)]


@cache
def judge_licence(expression: str, allowed: frozenset[str], denied: frozenset[str]) -> str:
    """Whether a component under this expression may be used: allowed, denied or unknown."""
    text = expression.strip()[:_LONGEST]
    if text.upper() in _NONE:
        return UNKNOWN
    try:
        parsed = _licensing().parse(text, validate=False, strict=False, simple=True)
    except Exception:
        # A name such as "Apache License, Version 2.0" is no expression.
        return _one(text, allowed, denied)
    return UNKNOWN if parsed is None else _judged(parsed, allowed, denied)


def _judged(node: Any, allowed: frozenset[str], denied: frozenset[str]) -> str:
    operator = getattr(node, "operator", "")
    if operator.strip() not in ("AND", "OR"):
        return _one(node.render() if hasattr(node, "render") else str(node), allowed, denied)
    parts = [_judged(arg, allowed, denied) for arg in node.args]
    order = (ALLOWED, UNKNOWN, DENIED) if operator.strip() == "OR" else (DENIED, UNKNOWN, ALLOWED)
    return next(word for word in order if word in parts)


def _one(name: str, allowed: frozenset[str], denied: frozenset[str]) -> str:
    """One licence; GPL-3.0 in a policy means GPL-3.0-only and GPL-3.0-or-later too, an exception does not soften it."""
    bare = name.strip().upper().partition(" WITH ")[0]
    if _listed(bare, denied):
        return DENIED
    if allowed:
        return ALLOWED if _listed(bare, allowed) else DENIED if _known(bare) else UNKNOWN
    return ALLOWED if _known(bare) else UNKNOWN


def _listed(name: str, policy: frozenset[str]) -> bool:
    wanted = {p.upper() for p in policy}
    return bool({name, *(name.removesuffix(end) for end in ("-ONLY", "-OR-LATER", "+"))} & wanted)


@cache
def _known(name: str) -> bool:
    return not unknown_licences([name]) or not unknown_licences([name.removesuffix("+")])
