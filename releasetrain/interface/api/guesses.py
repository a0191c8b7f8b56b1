"""Guesses of tokens: counted by the client's address and by the token they are guesses of, and answered 429 when too many.

An address with too many is not listened to until the minute is over, so that no more is tried from there. A token that has
been proved good within a week is heard from everywhere, whoever else guesses from the same address: it is no guess. How many
guesses a token meets from all addresses bars nobody either; it only turns their answers into 429, and is noted in the log.

A good token costs nothing here: whether an address is barred stands in this process, which learns it from the shared count
as soon as it sees a guess. While the shared count is away each process counts alone.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from typing import Any

import redis
from django.conf import settings

from releasetrain.accounts import tokens
from releasetrain.accounts.addresses import client_address, network_of

from . import limits

log = logging.getLogger(__name__)
_GOOD_FOR = 7 * 24 * 3600
_NOTED_EVERY = 3600
_MOST_KEPT = 10_000
_lock = threading.Lock()
# By name: the window and the count, as far as this process knows.
_counts: dict[str, tuple[int, int]] = {}
# By digest of a token: when this process noted last that it is good.
_good: dict[str, float] = {}


def given(request: Any) -> str:
    """The bearer token of a request; empty if there is none."""
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def barred(request: Any, text: str) -> int:
    """Seconds until this address is heard again; 0: it is heard now."""
    window, known = _counts.get(_by_address(request), (0, 0))
    if window != _window() or known <= settings.TOKEN_GUESSES_PER_MINUTE or _is_known(text):
        return 0
    return _left()


def failed(request: Any, text: str) -> int:
    """Note a token that is none; returns the seconds to wait when there were too many, else 0."""
    names = [_by_address(request)]
    pattern = tokens.PATTERN.fullmatch(text)
    if pattern:
        names.append(f"token:{pattern[1]}")
    if max([_count(name) for name in names]) <= settings.TOKEN_GUESSES_PER_MINUTE:
        return 0
    return _left()


def proved(text: str) -> None:
    """Note that this token is good; at most once an hour for each process."""
    digest, moment = _digest(text), time.time()
    if _good.get(digest, 0) > moment - _NOTED_EVERY:
        return
    if len(_good) >= _MOST_KEPT:
        _good.clear()
    _good[digest] = moment
    try:
        limits.store().set(f"token-good:{digest}", 1, ex=_GOOD_FOR)
    except redis.RedisError as error:
        log.warning("good token not noted: %s", error)


def _is_known(text: str) -> bool:
    digest = _digest(text)
    if _good.get(digest, 0) > time.time() - _GOOD_FOR:
        return True
    try:
        return bool(limits.store().exists(f"token-good:{digest}"))
    except redis.RedisError:
        return False


def _count(name: str) -> int:
    window = _window()
    with _lock:
        begun, known = _counts.get(name, (window, 0))
        known = known + 1 if begun == window else 1
    try:
        known = max(known, limits.count(f"guess:{name}:{window}"))
    except redis.RedisError as error:
        log.warning("guesses of tokens counted in this process only: %s", error)
    with _lock:
        if len(_counts) >= _MOST_KEPT:
            _counts.clear()
        _counts[name] = (window, known)
    if known == settings.TOKEN_GUESSES_PER_MINUTE + 1:
        log.warning("more than %d guesses of tokens in a minute: %s", settings.TOKEN_GUESSES_PER_MINUTE, name)
    return known


def _by_address(request: Any) -> str:
    return f"address:{network_of(client_address(request))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _window() -> int:
    return int(time.time() // limits.WINDOW)


def _left() -> int:
    return limits.WINDOW - int(time.time() % limits.WINDOW)
