"""Keys of issuers: found by discovery, kept for a while, asked for once more when a token names an unknown one.

The address is asked through the installation's one guarded client, which a higher floor plugs in (`ask_by`).
Kept in the process: whoever could write a shared cache could otherwise plant a key.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from .rules.assertions import BadAssertion

# Younger keys are taken as they are; older ones are asked for anew; past the last they count no more.
FRESH, LAST = 600.0, 3600.0
# An unknown key is no reason to ask an issuer more often than this, nor is one that does not answer.
PAUSE = 60.0
AFTER_FAILURE = 10.0
_DISCOVERY = "/.well-known/openid-configuration"
_LONGEST_DOCUMENT, _LONGEST_KEYS, _MOST_KEYS = 64_000, 256_000, 100
_MOST_ISSUERS = 500


class Answer(Protocol):
    """What the guarded client brings back."""

    text: str
    error: str

    @property
    def accepted(self) -> bool: ...


class Ask(Protocol):
    def __call__(self, url: str, most: int) -> Answer: ...


@dataclass
class _Kept:
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    at: float = float("-inf")
    tried: float = float("-inf")
    failed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_ask: list[Ask] = []
_kept: dict[str, _Kept] = {}
_door = threading.Lock()


def ask_by(ask: Ask) -> None:
    """Plug in the client that calls only permitted addresses."""
    _ask[:] = [ask]


def forget() -> None:
    """Drop all keys, as a new process would."""
    with _door:
        _kept.clear()


def key_of(issuer: str, key_id: str) -> dict[str, Any]:
    """The issuer's key of this name. Refuses what is unknown, and everything once keys are too old to count."""
    kept = _of(issuer)
    moment = time.monotonic()
    if moment - kept.at > FRESH or key_id not in kept.keys:
        _renew(issuer, kept, unknown=key_id not in kept.keys)
    moment = time.monotonic()
    if moment - kept.at > LAST:
        raise BadAssertion(
            "workload.issuer_unavailable",
            "The issuer's keys cannot be read now.",
            "Try again in a moment. If it lasts, look at the page Workload identity.",
        )
    found = kept.keys.get(key_id)
    if found is None:
        raise BadAssertion("workload.key", "The issuer does not publish the key that the token names.")
    return found


def _of(issuer: str) -> _Kept:
    with _door:
        if issuer not in _kept and len(_kept) >= _MOST_ISSUERS:
            _kept.pop(min(_kept, key=lambda name: _kept[name].at))
        return _kept.setdefault(issuer, _Kept())


def _renew(issuer: str, kept: _Kept, *, unknown: bool) -> None:
    """Ask the issuer, one thread at a time, and not too often."""
    pause = AFTER_FAILURE if kept.failed or not unknown else PAUSE
    with kept.lock:
        if time.monotonic() - kept.tried < pause:
            return
        kept.tried = time.monotonic()
        found = _published(issuer)
        kept.failed = found is None
        if found is not None:
            kept.keys, kept.at = found, time.monotonic()


def _published(issuer: str) -> dict[str, dict[str, Any]] | None:
    """The keys that the issuer publishes now, by name; None when they cannot be read."""
    document = _json(issuer.rstrip("/") + _DISCOVERY, _LONGEST_DOCUMENT)
    address = document.get("jwks_uri") if document and document.get("issuer") == issuer else None
    published = _json(address, _LONGEST_KEYS) if isinstance(address, str) else None
    keys = published.get("keys") if published else None
    if not isinstance(keys, list):
        return None
    return {
        key["kid"]: key
        for key in keys[:_MOST_KEYS]
        if isinstance(key, dict) and isinstance(key.get("kid"), str) and isinstance(key.get("kty"), str)
    }


def _json(url: str, most: int) -> dict[str, Any] | None:
    answer = _ask[0](url, most) if _ask else None
    if answer is None or not answer.accepted or answer.error:
        return None
    try:
        value = orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
