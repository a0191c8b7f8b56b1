"""The entrance: one tenant scope, used by web, API, worker and command alike."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from releasetrain.kernel.actor import Actor

log = logging.getLogger(__name__)

_SET_ORGANIZATION = "SELECT set_config('releasetrain.organization', %s, true)"
# The database writes history; it reads there who acts, why, and in which request.
_SET_ACTOR = (
    "SELECT set_config('releasetrain.user', %s, true), set_config('releasetrain.reason', %s, true),"
    " set_config('releasetrain.request', %s, true)"
)
_SET_BOTH = f"{_SET_ACTOR}, set_config('releasetrain.organization', %s, true)"


@dataclass(frozen=True)
class Question:
    """What is asked of the database on entering a scope, in the same round trip, and who takes the answer."""

    statement: str
    values: tuple[Any, ...]
    take: Callable[[list[tuple[Any, ...]]], None]


_asked_on_entering: list[Callable[[Actor], Question | None]] = []


def ask_on_entering(question: Callable[[Actor], Question | None]) -> None:
    """Plug in what is asked of nearly every actor anyway (the accounts package: what they may do)."""
    _asked_on_entering[:] = [question]


class OutsideScope(RuntimeError):
    """Tenant data was asked for outside a tenant scope."""


@dataclass(frozen=True)
class Scope:
    organization_id: uuid.UUID
    actor: Actor


_current: ContextVar[Scope | None] = ContextVar("tenant_scope", default=None)
# What the outermost scope does once it has ended.
_waiting: ContextVar[list[Callable[[], None]] | None] = ContextVar("after_tenant_scope", default=None)


def current_scope() -> Scope | None:
    """The tenant scope we are in, or None."""
    return _current.get()


def require_scope() -> Scope:
    """The tenant scope we are in; raises OutsideScope when there is none."""
    scope = _current.get()
    if scope is None:
        raise OutsideScope("Tenant data is reached only inside tenant_scope(organization, actor).")
    return scope


def afterwards(call: Callable[[], None]) -> None:
    """Have something written once the outermost scope has ended, in a transaction of its own.

    It is written also when that scope is rolled back: what was refused leaves nothing behind but the note that it was tried.
    """
    waiting = _waiting.get()
    if waiting is None:
        raise OutsideScope("Only a tenant scope has an afterwards.")
    waiting.append(call)


@contextmanager
def tenant_scope(organization_id: uuid.UUID, actor: Actor) -> Iterator[Scope]:
    """Open a transaction in which the database shows one organization only.

    The setting is local to the transaction, so it cannot leak to the next user of the connection.
    Scopes nest for the same organization (a further actor); another organization inside one is an error.
    """
    if _waiting.get() is not None:
        with _entered(organization_id, actor) as scope:
            yield scope
        return
    waiting: list[Callable[[], None]] = []
    token = _waiting.set(waiting)
    try:
        with _entered(organization_id, actor) as scope:
            yield scope
    finally:
        _waiting.reset(token)
        for call in waiting:
            try:
                with _entered(organization_id, actor):
                    call()
            except Exception:  # what is noted afterwards never changes what came of the scope itself
                log.exception("what was to be noted after a scope could not be written")


@contextmanager
def _entered(organization_id: uuid.UUID, actor: Actor) -> Iterator[Scope]:
    outer = _current.get()
    if outer is not None and outer.organization_id != organization_id:
        raise OutsideScope("A scope of one organization cannot be opened inside another's.")
    scope = Scope(organization_id=organization_id, actor=actor)
    inside_transaction = connection.in_atomic_block
    with transaction.atomic():
        if outer is None:
            _enter(organization_id, actor)
        elif outer.actor is not actor:
            _set(_SET_ACTOR, *_attribution(actor))
        token = _current.set(scope)
        try:
            yield scope
        finally:
            _current.reset(token)
            if inside_transaction and not connection.needs_rollback:
                # The settings outlive a savepoint: close the door behind us when a transaction goes on around us.
                if outer is None:
                    _set(_SET_BOTH, "", "", "", "")
                elif outer.actor is not actor:
                    _set(_SET_ACTOR, *_attribution(outer.actor))


def _enter(organization_id: uuid.UUID, actor: Actor) -> None:
    values = (*_attribution(actor), str(organization_id))
    question = _asked_on_entering[0](actor) if _asked_on_entering else None
    if question is None:
        _set(_SET_BOTH, *values)
        return
    with connection.cursor() as cursor:
        cursor.execute(f"{_SET_BOTH}; {question.statement}", (*values, *question.values))
        question.take(cursor.fetchall())


def _attribution(actor: Actor) -> tuple[str, str, str]:
    return str(actor.user_id or ""), actor.reason[:100], actor.request_id


def _set(statement: str, *values: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
