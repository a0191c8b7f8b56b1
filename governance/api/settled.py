"""The short way to a settled verdict, and waiting for one without holding a transaction.

Asking a settled gate is what pipelines do all day, so it must cost as little as a health check. One middleware stands
before all that pages need and answers `POST …/gates/evaluate` with a token by one read: who asks, the
kept answer, the right to hear it and the proof that it still stands. Whatever it is not sure of (a session, an
odd body, a token not used for a minute, a changed input) goes the ordinary way, which decides alone.

Waiting (`GET …/evaluations/<ref>?wait=30`) is the other one's, before any scope is open: short looks with sleep between.
"""

from __future__ import annotations

import hmac
import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from governance.asking import LONGEST_QUESTION, Question
from releasetrain.accounts import tokens
from releasetrain.interface.api import guesses, limits
from releasetrain.kernel.clock import now
from releasetrain.tenancy.models import Organization

from .views import LONGEST_WAIT

_ASK = re.compile(r"/api/v1/orgs/([^/]+)/gates/evaluate\Z")
_WAIT = re.compile(r"/api/v1/orgs/([^/]+)/evaluations/([^/]+)\Z")
_LONGEST_BODY = 4096
# Half of a small server's threads: whoever waits must not keep out whoever works.
_waiters = threading.BoundedSemaphore(int(getattr(settings, "GATE_WAITERS", 2)))

# One round trip; the function (governance.guards.settled) reads in the scope of the token's organization, and its row
# says both who asks and what stands.
_CALLER = "SELECT secret_hash, last_used_at, organization_id, body FROM settled_answer(%s, %s, %s, %s)"

_STATE = """
SELECT set_config('releasetrain.organization', %(organization)s, true);
SELECT state FROM governance_evaluation WHERE organization_id = %(organization)s::uuid AND (key = %(ref)s OR id::text = %(ref)s)
"""


@dataclass(frozen=True)
class Caller:
    """A token of a living account that is a member, and the kept answer if one was asked for and stands."""

    token_id: str
    organization_id: uuid.UUID
    answer: str | None = None


class SettledVerdicts:
    """Answers what is settled and leaves the rest alone. Stands before sessions and everything that pages need."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        asked = _ASK.match(request.path_info) if request.method == "POST" else None
        return (asked and settled(request, asked[1])) or self.get_response(request)


class AwaitedVerdicts:
    """Waits where it is asked to, before the tenant scope is open. Stands after sessions: people wait as well."""

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        if request.method == "GET" and "wait=" in request.META.get("QUERY_STRING", ""):
            waited = _WAIT.match(request.path_info)
            if waited:
                wait(request, waited[1], waited[2])
        return self.get_response(request)


def settled(request: Any, slug: str) -> HttpResponseBase | None:
    """The kept answer, if everything about the question is plain and it still stands; else None."""
    question = _question(request)
    caller = _caller(request, slug, question) if question else None
    if caller is None or caller.answer is None:
        return None
    allowance = limits.take(caller.organization_id, caller.token_id)
    if allowance.spent:
        return None
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Length": str(len(caller.answer.encode())),
        "X-Frame-Options": "DENY",
    }
    response = HttpResponse(caller.answer, content_type="application/json", headers=headers)
    marked: HttpResponseBase = allowance.mark(response)
    return marked


def wait(request: Any, slug: str, ref: str) -> None:
    """Return when the evaluation is settled, the time is up, or there is nothing to wait for."""
    try:
        seconds = min(float(request.GET.get("wait", "")), LONGEST_WAIT)
    except ValueError:
        return
    if not 0 < seconds <= LONGEST_WAIT or not _waiters.acquire(blocking=False):
        return
    try:
        organization_id = _organization_of(request, slug)
        deadline, pause = time.monotonic() + seconds, 0.05
        while organization_id:
            found = _state({"organization": str(organization_id), "ref": ref})
            if not found or found[0][0] in ("done", "dead") or time.monotonic() + pause > deadline:
                return
            time.sleep(pause)
            pause = min(pause * 1.5, 1.0)
    finally:
        _waiters.release()


def _question(request: Any) -> Question | None:
    if request.META.get("CONTENT_TYPE", "").partition(";")[0].strip() != "application/json":
        return None
    if int(request.META.get("CONTENT_LENGTH") or 0) > _LONGEST_BODY:
        return None
    try:
        question = Question.read(orjson.loads(request.body))
    except orjson.JSONDecodeError:
        return None
    return question if question and len(question.text) <= LONGEST_QUESTION else None


def _caller(request: Any, slug: str, question: Question | None = None) -> Caller | None:
    """Who asks, if a token says so and there is no doubt about it; with the kept answer to their question."""
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    match = tokens.PATTERN.fullmatch(text.strip()) if scheme.lower() == "bearer" else None
    if not match or not hmac.compare_digest(tokens.checksum(match[1], match[2]), match[3]):
        return None
    if guesses.barred(request, text.strip()):
        return None
    moment = now()
    connection.health_check_done = True  # the question itself shows whether the connection lives
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CALLER, [match[1], slug, question.text if question else "", moment])
            rows = cursor.fetchall()
    except (InterfaceError, OperationalError):
        connection.close()  # the ordinary way opens another, or says what is wrong
        return None
    if not rows or not hmac.compare_digest(bytes(rows[0][0]), tokens.secret_hash(match[2])):
        return None
    # The ordinary way notes the token's last use, to the minute.
    if rows[0][1] is None or rows[0][1] < moment - timedelta(minutes=1):
        return None
    return Caller(match[1], rows[0][2], rows[0][3])


def _organization_of(request: Any, slug: str) -> uuid.UUID | None:
    """The organization, if whoever asks is a member: by token or by session."""
    caller = _caller(request, slug)
    if caller:
        return caller.organization_id
    user = request.user
    if not user.is_authenticated:
        return None
    rows = Organization.objects.filter(
        slug=slug, suspended_at__isnull=True, memberships__user=user, memberships__suspended_at__isnull=True
    )
    found: uuid.UUID | None = rows.values_list("pk", flat=True).first()
    return found


def _state(params: dict[str, str]) -> list[tuple[Any, ...]]:
    """Read an evaluation's state inside its organization's scope in one round trip.

    Statements sent together are one transaction of their own, so the setting ends with them. Inside a transaction
    (that of a test) the setting is put back by hand.
    """
    with connection.cursor() as cursor:
        outer = None
        if connection.in_atomic_block:
            cursor.execute("SELECT current_setting('releasetrain.organization', true)")
            outer = cursor.fetchone()
        cursor.execute(_STATE, params)
        rows = list(cursor.fetchall())
        if outer is not None:
            cursor.execute("SELECT set_config('releasetrain.organization', %s, true)", [outer[0] or ""])
    return rows
