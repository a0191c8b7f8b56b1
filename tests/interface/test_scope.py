"""The entrance: what a request sees of its organization, and what stays of it when it fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

ROOT = "/o/northwind"


def test_a_streamed_answer_has_a_scope_of_its_own(committed_db, web):
    """It runs after the middleware has returned, when the request's transaction is over."""
    answer = web("owner").get(f"{ROOT}/grants/export.csv")
    assert not connection.in_atomic_block
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) > 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('releasetrain.organization', true)")
        assert not cursor.fetchone()[0]


def test_a_stream_left_half_read_closes_its_scope(committed_db, web):
    from releasetrain.tenancy.scope import current_scope

    answer = web("owner").get(f"{ROOT}/grants/export.csv")
    next(iter(answer.streaming_content))
    answer.close()
    assert current_scope() is None


def test_nothing_is_visible_once_the_request_is_over(committed_db, web):
    web("owner").get(f"{ROOT}/grants/")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_grant")
        assert cursor.fetchone()[0] == 0


@pytest.mark.parametrize("status", [400, 409, 500, 503])
def test_an_answer_that_reports_an_error_has_changed_nothing(committed_db, web, monkeypatch, status):
    from django.http import HttpResponse

    from releasetrain.interface.views import verbs

    monkeypatch.setattr(verbs, "_done", lambda *_: HttpResponse(status=status))
    web("owner").post(f"{ROOT}/saved-views/new", {"name": "Ghost", "listed": "grants"})
    assert _views() == 0


def test_a_view_that_breaks_has_changed_nothing(committed_db, web, monkeypatch):
    from releasetrain.interface.views import verbs

    def broken(*_):
        raise RuntimeError("after the act")

    monkeypatch.setattr(verbs, "_done", broken)
    client = web("owner")
    client.raise_request_exception = False
    assert client.post(f"{ROOT}/saved-views/new", {"name": "Ghost", "listed": "grants"}).status_code == 500
    assert _views() == 0


def test_two_requests_with_one_idempotency_key_act_once(committed_db, token, redis_url):
    """Concurrent repeats: one acts, the others wait their turn (409) or get its answer."""
    from rest_framework.test import APIClient

    bearer = token("owner")
    start = threading.Barrier(6)

    def call(_):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {bearer}")
        start.wait()
        try:
            answer = client.post(
                "/api/v1/orgs/northwind/saved-views",
                {"name": "Once", "listed": "grants"},
                format="json",
                HTTP_IDEMPOTENCY_KEY="race",
            )
            return answer.status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(call, range(6)))
    assert 201 in statuses
    assert set(statuses) <= {201, 409}
    assert _views() == 1


def test_one_of_two_racing_updates_loses_with_412(committed_db, api, redis_url):
    owner = api("owner")
    made = owner.post("/api/v1/orgs/northwind/saved-views", {"name": "Race", "listed": "grants"})
    start = threading.Barrier(2)

    def rename(name):
        start.wait()
        try:
            return (
                api("owner")
                .post(f"{made['Location']}/update", {"name": name}, HTTP_IF_MATCH=made["ETag"])
                .status_code
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(rename, ["one", "two"])) == [200, 412]


def _views() -> int:
    from releasetrain.interface.models import SavedView
    from releasetrain.kernel.actor import Actor
    from releasetrain.tenancy.models import Organization
    from releasetrain.tenancy.scope import tenant_scope

    organization = Organization.objects.get(slug="northwind")
    with tenant_scope(organization.pk, Actor.system(organization.pk, "test")):
        return SavedView.objects.count()


def test_a_page_whose_transaction_was_ended_by_a_deadlock_says_to_send_it_again(rf, in_northwind):
    from django.db import DatabaseError, transaction

    from releasetrain.interface import errors

    for code, status in (("40P01", 503), ("42703", 500)):
        request = rf.post("/o/northwind/releases/new")
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'ended' USING ERRCODE = '{code}'; END $$")
        except DatabaseError:
            answer = errors.failed(request)
        assert (answer.status_code, answer.has_header("Retry-After")) == (status, status == 503)
        assert b"Nothing was changed" in answer.content or status == 500
