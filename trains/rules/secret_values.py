"""What looks like a secret itself, and so must not be where only a reference belongs. Answers never repeat what they judge."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

_NAMES = re.compile(
    r"(?i)^(value|secret|password|passwd|pwd|token|api[_-]?key|private[_-]?key|credentials?)$"
)
# Forms that issuers give their secrets, so that they are found.
_PREFIXES = re.compile(
    r"(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}|(AKIA|ASIA)[A-Z0-9]{12,}|xox[abeprs]-[\w-]{8,}"
    r"|[rs]k_(live|test)_\w{8,}|sk-[\w-]{16,}|hv[sbr]\.[\w-]{16,}|rtk_[\w-]{8,}|AIza[\w-]{20,}|ya29\.[\w-]{16,}"
    r"|npm_[A-Za-z0-9]{16,}|pypi-[\w-]{16,}|dop_v1_\w{16,}|SG\.[\w-]{12,}|shp(at|ss)_\w{16,}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY)"
)
_WITH_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@]+@")
_ASSIGNED = re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key)\s*[=:]\s*['\"]?(?![\s$'\"{]|$)")
_WORD = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_NO_SECRET = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
ENTROPY = 3.6


def why_secret(text: str) -> str:
    """Why a text looks like a secret: a phrase that does not repeat it; empty when it does not."""
    if _PREFIXES.search(text):
        return "it has the form of an issued credential"
    if _WITH_PASSWORD.search(text):
        return "it is an address with a password in it"
    if _ASSIGNED.search(text):
        return "it assigns a value to a password or token"
    for word in _WORD.findall(_NO_SECRET.sub(" ", text.replace("sha256:", " "))):
        # Names are made of words; what is drawn by lot mixes letters and digits without any.
        for part in re.split(r"[/_-]", word):
            mixed = re.search(r"\d", part) and re.search(r"[A-Za-z]", part)
            if len(part) >= 20 and mixed and entropy(part) >= ENTROPY:
                return "it has the randomness of a key"
    return ""


def entropy(text: str) -> float:
    """Bits of each character, by Shannon."""
    counts = Counter(text)
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values()) if text else 0.0


def secret_in(value: Any, name: str = "") -> tuple[str, str] | None:
    """Where in a value something looks like a secret, and why: (name of the field, phrase); None when nothing does."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if found := secret_in(inner, str(key)):
                return found
        return None
    if isinstance(value, list | tuple):
        return next((found for inner in value if (found := secret_in(inner, name))), None)
    if value in (None, "", False, True):
        return None
    if _NAMES.match(name):
        return name, f"a field called {name} holds something"
    why = why_secret(value) if isinstance(value, str) else ""
    return (name, why) if why else None
