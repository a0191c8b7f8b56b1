"""The generated API: lists, objects, verbs, retries, refusals; on saved views, grants and service accounts."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection

ROOT = "/api/v1/orgs/northwind"


@pytest.fixture
def owner(api):
    return api("owner")


def new_view(client, name="Mine", **extra):
    return client.post(f"{ROOT}/saved-views", {"name": name, "listed": "grants", **extra})


def test_a_verb_creates_and_says_where(owner):
    answer = new_view(owner)
    assert answer.status_code == 201
    body = answer.json()
    assert body["name"] == "Mine"
    assert body["shared"] is False
    assert body["owner"]["label"] == "Owner"
    assert answer["Location"] == body["links"]["self"] == f"{ROOT}/saved-views/{body['id']}"
    again = owner.get(answer["Location"])
    assert again.status_code == 200
    assert again.json()["id"] == body["id"]


def test_lists_page_by_keyset_without_gaps_or_repeats(owner):
    for number in range(7):
        assert new_view(owner, f"view {number % 3}{number}").status_code == 201
    for sort in ("name", "-created_at", "-shared,name", "owner"):
        seen, address = [], f"{ROOT}/saved-views?limit=2&sort={sort}"
        while address:
            page = owner.get(address).json()
            assert len(page["items"]) <= 2
            seen += [row["id"] for row in page["items"]]
            address = page["next"]
        assert len(seen) == len(set(seen)) == 7


def test_a_cursor_of_another_order_is_refused(owner):
    for number in range(3):
        new_view(owner, f"view {number}")
    following = owner.get(f"{ROOT}/saved-views?limit=1&sort=name").json()["next"]
    answer = owner.get(following.replace("sort=name", "sort=-name"))
    assert answer.status_code == 422
    assert answer.json()["code"] == "cursor.invalid"
    for cursor in ("x", "%00", "eyJ", "W10", "a" * 5000, "é"):
        assert owner.get(f"{ROOT}/saved-views?cursor={cursor}").status_code in (400, 422)


def test_nulls_are_paged_through_like_everything_else(owner):
    seen, address = [], f"{ROOT}/grants?limit=3&sort=ends_at"
    while address:
        page = owner.get(address).json()
        seen += [row["id"] for row in page["items"]]
        address = page["next"]
    assert len(seen) == len(set(seen)) > 10


def test_filters_work_and_unknown_ones_are_named(owner):
    rows = owner.get(f"{ROOT}/grants?role=rte").json()["items"]
    assert [row["role"] for row in rows] == ["rte"]
    both = owner.get(f"{ROOT}/grants?role=rte,auditor").json()["items"]
    assert {row["role"] for row in both} == {"rte", "auditor"}
    person = rows[0]["user"]["id"]
    assert len(owner.get(f"{ROOT}/grants?user={person}").json()["items"]) == 1
    assert owner.get(f"{ROOT}/grants?ends_at_missing=true").status_code == 422  # a date has no such filter
    for query in (
        "colour=red",
        "role=king",
        "user=nobody@else",
        "starts_at_from=soon",
        "limit=0",
        "limit=x",
        "sort=secret",
        "fields=x",
    ):
        answer = owner.get(f"{ROOT}/grants?{query}")
        expected = 200 if query.startswith("user=") else 422
        assert answer.status_code == expected, query
        if expected == 422:
            problem = answer.json()
            assert answer["Content-Type"] == "application/problem+json"
            assert problem["errors"][0]["pointer"].startswith("#/")
            assert problem["status"] == 422


def test_fields_limit_what_is_written(owner):
    row = owner.get(f"{ROOT}/grants?limit=1&fields=role").json()["items"][0]
    assert set(row) == {"id", "role"}


def test_etag_answers_304_and_guards_updates_with_412(owner):
    made = new_view(owner)
    address = made["Location"]
    first = owner.get(address)
    assert owner.get(address, HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    changed = owner.post(f"{address}/update", {"name": "Renamed"}, HTTP_IF_MATCH=first["ETag"])
    assert changed.status_code == 200
    assert changed.json()["name"] == "Renamed"
    assert "Location" not in changed
    late = owner.post(f"{address}/update", {"name": "Lost race"}, HTTP_IF_MATCH=first["ETag"])
    assert late.status_code == 412
    assert late.json()["code"] == "precondition.failed"
    assert owner.get(address).json()["name"] == "Renamed"


def test_an_idempotency_key_acts_once(owner):
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    body = {"name": "Once", "listed": "grants"}
    first = owner.post(f"{ROOT}/saved-views", body, **key)
    second = owner.post(f"{ROOT}/saved-views", body, **key)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert second["Location"] == first["Location"]
    other = owner.post(f"{ROOT}/saved-views", body | {"name": "Twice"}, **key)
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency.other_body"
    assert len(owner.get(f"{ROOT}/saved-views").json()["items"]) == 1


def test_a_refused_request_may_be_repeated_under_its_key(owner):
    key = {"HTTP_IDEMPOTENCY_KEY": "again"}
    assert new_view(owner, "Same").status_code == 201
    body = {"name": "Same", "listed": "grants"}
    assert owner.post(f"{ROOT}/saved-views", body, **key).status_code == 422
    assert owner.post(f"{ROOT}/saved-views", body, **key).status_code == 422


def test_a_kept_answer_does_not_show_its_secret_in_the_table(owner, in_northwind):
    from releasetrain.interface.models import IdempotentReply

    account = owner.post(f"{ROOT}/service-accounts", {"name": "pipeline"}).json()
    address = f"{ROOT}/service-accounts/{account['id']}/issue_token"
    answer = owner.post(address, {"label": "ci"}, HTTP_IDEMPOTENCY_KEY="token-1")
    secret = answer.json()["result"]["token"]
    assert (
        owner.post(address, {"label": "ci"}, HTTP_IDEMPOTENCY_KEY="token-1").json()["result"]["token"]
        == secret
    )
    assert secret.encode() not in bytes(IdempotentReply.objects.get(key="token-1").body)


def test_errors_point_at_the_parameter(owner):
    answer = owner.post(f"{ROOT}/saved-views", {"listed": "nowhere", "shared": "perhaps", "colour": "red"})
    assert answer.status_code == 422
    errors = {e["pointer"]: e["code"] for e in answer.json()["errors"]}
    assert errors == {"#/name": "required", "#/shared": "invalid", "#/colour": "parameter.unknown"}
    answer = owner.post(f"{ROOT}/saved-views", {"name": "x", "listed": "nowhere"})
    assert answer.json()["errors"] == [
        {"pointer": "#/listed", "code": "saved_view.list_unknown", "detail": "There is no list nowhere."}
    ]


def test_a_refusal_says_why_and_what_would_make_it_pass(owner, api):
    answer = api("auditor").post(f"{ROOT}/grants", {"email": "rte@northwind.example", "role": "rte"})
    problem = answer.json()
    assert answer.status_code == 403
    assert problem["code"] == "permission.missing"
    assert problem["remedy"]
    assert problem["type"].endswith("/api/problems/permission.missing")
    assert owner.get("/api/problems/permission.missing").status_code == 200


HOSTILE = [
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b'"text"', 422),
    (b"[1]", 422),
    (b"null", 422),
    (b'{"name": "a\\u0000b", "listed": "grants"}', 400),
    (b'{"name": "\\ud800", "listed": "grants"}', 400),
    (b'{"name": 1e400, "listed": "grants"}', 400),
    (b'{"name": ' + b"9" * 400 + b', "listed": "grants"}', 400),
    (b'{"name": {"a": 1}, "listed": "grants"}', 422),
    (b'{"name": [], "listed": "grants"}', 422),
    (b'{"name": true, "listed": "grants"}', 422),
    (b'{"name": "' + b"x" * 100_000 + b'", "listed": "grants"}', 422),
    (b"[" * 5_000 + b"]" * 5_000, 400),
    (b'{"name":' + b'{"a":' * 60 + b"1" + b"}" * 61, 400),
    (b"", 422),
]


@pytest.mark.parametrize(("body", "expected"), HOSTILE)
def test_bad_bodies_are_refused_and_never_break_us(owner, body, expected):
    answer = owner.generic("POST", f"{ROOT}/saved-views", body, content_type="application/json")
    assert answer.status_code == expected, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["code"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", f"{ROOT}/nothing", 404, "not_found"),
        ("get", f"{ROOT}/grants/00000000-0000-0000-0000-000000000000", 404, "not_found"),
        ("get", f"{ROOT}/grants/not-an-id", 404, "not_found"),
        ("get", f"{ROOT}/grants?q=%00", 400, "text.zero_character"),
        ("put", f"{ROOT}/grants", 405, "method_not_allowed"),
        ("get", "/api/v1/orgs/contoso-health/grants", 404, "not_found"),
        ("get", "/api/v1/orgs/no-such-org/grants", 404, "not_found"),
    ],
)
def test_errors_are_problems_wherever_they_come_from(owner, method, path, status, code):
    answer = getattr(owner, method)(path)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_a_wrong_media_type_is_415(owner):
    answer = owner.generic("POST", f"{ROOT}/saved-views", b"<xml/>", content_type="application/xml")
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"


def test_signed_out_is_401_with_a_challenge(client, db):
    answer = client.get(f"{ROOT}/grants")
    assert answer.status_code == 401
    assert answer.json()["code"] == "signed_out"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert client.get(f"{ROOT}/grants", HTTP_AUTHORIZATION="Bearer rtk_nonsense").status_code == 401


def test_a_session_may_write_only_with_its_csrf_token(db, web):
    from django.test import Client

    from releasetrain.accounts.models import User

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(email="owner@northwind.example"))
    body = json.dumps({"name": "x", "listed": "grants"})
    assert strict.get(f"{ROOT}/grants").status_code == 200
    assert strict.post(f"{ROOT}/saved-views", body, content_type="application/json").status_code == 403
    strict.get("/o/northwind/grants/")
    header = {"HTTP_X_CSRFTOKEN": strict.cookies["csrf"].value}
    answer = strict.post(f"{ROOT}/saved-views", body, content_type="application/json", **header)
    assert answer.status_code == 201, answer.content
    answer = strict.post(f"{ROOT}/saved-views", {"name": "y", "listed": "grants"}, **header)
    assert answer.status_code == 201, answer.content


def test_request_ids_come_back_and_reach_the_ledger(owner, in_northwind):
    from releasetrain.audit.models import LedgerEntry

    answer = owner.post(
        f"{ROOT}/saved-views", {"name": "x", "listed": "grants"}, HTTP_X_REQUEST_ID="pipeline-42"
    )
    assert answer["X-Request-ID"] == "pipeline-42"
    assert LedgerEntry.objects.latest("id").request_id == "pipeline-42"
    odd = owner.get(f"{ROOT}/grants", HTTP_X_REQUEST_ID="x" * 80)
    assert odd["X-Request-ID"] != "x" * 80


def test_rate_limits_are_told_and_enforced(owner, settings, redis_url):
    settings.API_REQUESTS_PER_MINUTE = 3
    answers = [owner.get(f"{ROOT}/grants") for _ in range(5)]
    assert answers[0]["RateLimit-Policy"] == '"default";q=3;w=60'
    limited = [a for a in answers if a.status_code == 429]
    assert limited
    assert limited[0]["Retry-After"]
    assert limited[0].json()["code"] == "rate.limited"


def test_detail_lists_allowed_verbs_with_reasons(api):
    owner, reader = api("owner"), api("auditor")
    address = new_view(owner, "Shared", shared=True)["Location"]
    allowed = {v["verb"]: v for v in owner.get(f"{address}?include=allowed").json()["allowed"]}
    assert allowed["saved_view.update"]["allowed"] is True
    refused = {v["verb"]: v for v in reader.get(f"{address}?include=allowed").json()["allowed"]}
    assert refused["saved_view.update"]["allowed"] is False
    assert refused["saved_view.update"]["reasons"][0]["remedy"]


def test_history_names_who_what_and_which_fields(owner):
    grant = owner.get(f"{ROOT}/grants?role=rte").json()["items"][0]
    address = f"{ROOT}/grants/{grant['id']}"
    assert owner.post(f"{address}/revoke", {"reason": "left the bank"}).status_code == 200
    newest = owner.get(f"{address}/history").json()["items"][0]
    assert newest["who"] == "Owner"
    assert newest["verb"] == "grant.revoke"
    assert newest["reason"] == "left the bank"
    assert [c["field"] for c in newest["changes"]] == ["revoked_at"]


def test_neighbours_lead_on_in_both_directions(owner):
    grant = owner.get(f"{ROOT}/grants?role=rte").json()["items"][0]
    forward = owner.get(f"{ROOT}/grants/{grant['id']}/neighbours").json()["items"]
    scope = next(p for p in forward if p["relation"] == "scope")["items"][0]
    back = owner.get(f"{scope['href']}/neighbours").json()["items"]
    grants = next(p for p in back if p["relation"].startswith("grants"))
    assert grants["count"] > 10
    assert len(grants["items"]) == 5


def test_another_organizations_objects_do_not_exist(api):
    theirs = api("owner", "contoso-health").get("/api/v1/orgs/contoso-health/grants").json()["items"][0]["id"]
    owner = api("owner")
    assert owner.get(f"{ROOT}/grants/{theirs}").status_code == 404
    assert owner.post(f"{ROOT}/grants/{theirs}/revoke", {"reason": "x"}).status_code == 404


def test_private_views_are_seen_by_their_owner_only(api):
    address = new_view(api("owner"))["Location"]
    assert api("rte").get(address).status_code == 404


def test_search_finds_by_words_and_key(owner):
    new_view(owner, "Quarterly access review")
    found = owner.get(f"{ROOT}/search?q=access quarterly").json()["items"]
    assert [g["kind"] for g in found] == ["savedview"]
    assert owner.get(f"{ROOT}/search?q=").json()["items"] == []


def test_an_error_after_a_write_leaves_nothing_behind(owner, monkeypatch, in_northwind):
    from releasetrain.interface.api import verbs
    from releasetrain.interface.models import SavedView

    def broken(*_):
        raise RuntimeError("after the act")

    monkeypatch.setattr(verbs, "answer", broken)
    answer = owner.post(f"{ROOT}/saved-views", {"name": "Ghost", "listed": "grants"})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert not SavedView.objects.filter(name="Ghost").exists()


@pytest.mark.parametrize("code", ["40P01", "40001", "55P03", "57P01"])
def test_a_fault_of_the_database_that_passes_says_to_send_it_again(owner, monkeypatch, in_northwind, code):
    """A deadlock that was ended for another's sake, for one: nobody's mistake, nothing changed, never a 500."""
    from releasetrain.interface.api import verbs
    from releasetrain.interface.models import SavedView

    def ended(*_):
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'ended' USING ERRCODE = '{code}'; END $$")

    monkeypatch.setattr(verbs, "answer", ended)
    answer = owner.post(f"{ROOT}/saved-views", {"name": "Ghost", "listed": "grants"})
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert int(answer["Retry-After"]) >= 1
    assert not SavedView.objects.filter(name="Ghost").exists()


def test_other_faults_of_the_database_are_ours(owner, monkeypatch):
    from releasetrain.interface.api import verbs

    def broken(*_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT no_such_column")

    monkeypatch.setattr(verbs, "answer", broken)
    assert owner.post(f"{ROOT}/saved-views", {"name": "Ghost", "listed": "grants"}).status_code == 500


def test_lists_cost_the_same_number_of_queries_whatever_their_length(owner, django_assert_max_num_queries):
    owner.get(f"{ROOT}/grants?limit=1")
    with django_assert_max_num_queries(12):
        assert len(owner.get(f"{ROOT}/grants?limit=200").json()["items"]) > 10


def test_bulk_does_all_or_nothing(owner):
    good = {"verb": "saved_view.create", "parameters": {"name": "One", "listed": "grants"}}
    bad = {"verb": "saved_view.create", "parameters": {"name": "Two", "listed": "nowhere"}}
    answer = owner.post(f"{ROOT}/bulk", {"operations": [good, bad]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/operations/1"
    assert owner.get(f"{ROOT}/saved-views").json()["items"] == []
    answer = owner.post(
        f"{ROOT}/bulk",
        {
            "operations": [good, bad, {"verb": "no.verb"}, {"verb": "grant.revoke", "id": "x"}],
            "atomic": False,
        },
    )
    assert [item["status"] for item in answer.json()["items"]] == [200, 422, 422, 404]
    assert len(owner.get(f"{ROOT}/saved-views").json()["items"]) == 1


def test_bulk_acts_once_under_its_key(owner):
    body = {"operations": [{"verb": "saved_view.create", "parameters": {"name": "One", "listed": "grants"}}]}
    first, second = (owner.post(f"{ROOT}/bulk", body, HTTP_IDEMPOTENCY_KEY="bulk-1") for _ in range(2))
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
