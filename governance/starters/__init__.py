"""Starter sets shipped with the product: frameworks in our own words with what their controls rest on here, and kinds of documents.

They are a beginning, not advice: whoever is responsible for a framework checks the mapping against its text.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from governance.rules.catalogues import CatalogueText
from governance.rules.catalogues.rows import read_list

_HERE = Path(__file__).parent
_FRAMEWORKS = ("sox-itgc-change", "hipaa-security", "iso-20000-1", "eu-dora", "nist-800-53-release")


@dataclass(frozen=True)
class Starter:
    """One framework: its controls as text, and by identifier what each rests on (kind, target, rationale)."""

    code: str
    title: str
    version: str
    jurisdiction: str
    digest: str
    text: CatalogueText
    mappings: dict[str, list[dict[str, str]]]


@lru_cache(maxsize=1)
def starters() -> tuple[Starter, ...]:
    """All starter frameworks."""
    return tuple(_read(name) for name in _FRAMEWORKS)


def starter(code: str) -> Starter | None:
    return next((each for each in starters() if each.code == code), None)


@lru_cache(maxsize=1)
def document_kinds() -> tuple[dict[str, Any], ...]:
    """Kinds of documents with their outlines."""
    kinds = json.loads((_HERE / "document-kinds.json").read_text("utf-8"))
    return tuple({**kind, "template": "\n".join(kind["template"])} for kind in kinds)


def _read(name: str) -> Starter:
    content = (_HERE / f"{name}.json").read_bytes()
    told = json.loads(content)
    mappings = {
        c["identifier"]: [dict(zip(("kind", "target", "rationale"), m, strict=True)) for m in c["rests_on"]]
        for c in told["controls"]
    }
    controls = [{k: v for k, v in c.items() if k != "rests_on"} for c in told["controls"]]
    return Starter(
        code=told["code"],
        title=told["title"],
        version=told["version"],
        jurisdiction=told["jurisdiction"],
        digest="sha256:" + hashlib.sha256(content).hexdigest(),
        text=read_list(controls, "/controls"),
        mappings=mappings,
    )
