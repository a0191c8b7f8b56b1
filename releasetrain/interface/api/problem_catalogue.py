"""All problem codes: the platform's, and those of the rules, read from the sources that refuse with them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from releasetrain.interface.discovery import own_folders

from .problems import PLATFORM_CODES, title


@dataclass(frozen=True)
class Problem:
    """One code, with what it means and what would make it pass."""

    code: str
    meaning: str
    remedy: str = ""

    @property
    def title(self) -> str:
        return title(self.code)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Problem]:
    """Every code by name."""
    found = {code: Problem(code, meaning) for code, meaning in PLATFORM_CODES.items()}
    for file in _sources():
        for problem in _refusals(ast.parse(file.read_text())):
            found.setdefault(problem.code, problem)
    return dict(sorted(found.items()))


def _sources() -> list[Path]:
    """The product's own modules (not migrations)."""
    files = (file for folder in own_folders().values() for file in folder.rglob("*.py"))
    return sorted(file for file in files if "migrations" not in file.parts)


def _refusals(tree: ast.AST) -> list[Problem]:
    found = []
    for node in ast.walk(tree):
        if (
            not isinstance(node, ast.Call)
            or not isinstance(node.func, ast.Name)
            or node.func.id not in ("refuse", "Refusal")
        ):
            continue
        named = {k.arg: k.value for k in node.keywords}
        code = node.args[0] if node.args else named.get("code")
        if isinstance(code, ast.Constant) and isinstance(code.value, str):
            sentence = node.args[1] if len(node.args) > 1 else named.get("sentence")
            remedy = node.args[2] if len(node.args) > 2 else named.get("remedy")
            found.append(Problem(code.value, _said(sentence), _said(remedy)))
    return found


def _said(node: ast.AST | None) -> str:
    """The sentence as written; what is filled in at run time stands as …"""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
    return ""
