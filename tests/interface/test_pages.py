"""The generated pages: lists, objects, history, forms, search; on saved views, grants and service accounts."""

from __future__ import annotations

import csv
import io
import re

import pytest

ROOT = "/o/northwind"


@pytest.fixture
def owner(web):
    return web("owner")


def save_view(client, **data):
    return client.post(
        f"{ROOT}/saved-views/new", {"name": "Mine", "listed": "grants", "query": "role=rte", **data}
    )


def test_a_list_shows_rows_filters_and_the_way_to_make_one(owner):
    page = owner.get(f"{ROOT}/grants/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "<h1>Grants</h1>" in text
    assert "Release Train Engineer" in text
    assert f'href="{ROOT}/grants/new"' in text
    narrowed = owner.get(f"{ROOT}/grants/?role=rte").content.decode()
    assert narrowed.count("<tr>") == 2
    assert "No match." in owner.get(f"{ROOT}/grants/?q=nobody-of-this-name").content.decode()


def test_a_list_without_rows_says_what_will_be_here(owner):
    assert "There are no saved views yet." in owner.get(f"{ROOT}/saved-views/").content.decode()


def test_only_the_results_are_sent_when_only_they_are_asked_for(owner):
    part = owner.get(f"{ROOT}/grants/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="results").content.decode()
    assert "<html" not in part
    assert 'id="results"' in part


def test_bad_filters_are_said_and_do_not_break_the_page(owner):
    page = owner.get(f"{ROOT}/grants/?role=king&starts_at_from=soon")
    assert page.status_code == 422
    assert "is not understood" in page.content.decode()
    assert owner.get(f"{ROOT}/grants/?unknown=1&page=abc&sort=role").status_code == 200
    assert owner.get(f"{ROOT}/grants/?page=99999").status_code == 200


def test_the_export_is_streamed_and_disarms_formulas(owner):
    save_view(owner, name='=HYPERLINK("http://evil")')
    answer = owner.get(f"{ROOT}/saved-views/export.csv")
    assert answer.streaming
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][1] == "Name"
    assert rows[1][1].startswith("'=HYPERLINK")


def test_an_object_shows_facts_neighbours_and_verbs(owner):
    grant = _first(owner, "grants")
    text = owner.get(grant).content.decode()
    assert "Facts" in text
    assert "Scope" in text
    assert f'href="{grant}do/revoke"' in text


def test_a_refused_verb_stays_visible_and_says_why(web):
    grant = _first(web("auditor"), "grants")
    text = web("auditor").get(grant).content.decode()
    assert "aria-disabled" in text
    assert "members.manage" in text


def test_the_form_says_what_happens_and_works_without_scripts(owner):
    address = _first(owner, "grants") + "do/revoke"
    form = owner.get(address).content.decode()
    assert "Take a role back." in form
    assert "The person loses these rights at once." in form
    assert "csrfmiddlewaretoken" in form
    empty = owner.post(address, {"reason": ""})
    assert empty.status_code == 422
    assert "may not be blank" in empty.content.decode()
    done = owner.post(address, {"reason": "Left the bank"})
    assert done.status_code == 303
    assert done["Location"] == address.removesuffix("do/revoke")
    history = owner.get(done["Location"] + "history").content.decode()
    assert "grant.revoke" in history
    assert "Left the bank" in history
    assert "Revoked at" in history
    again = owner.post(address, {"reason": "Twice"})
    assert again.status_code == 409
    assert "revoked already" in again.content.decode()


def test_a_dialog_gets_the_bare_form_and_is_told_where_to_go(owner):
    bare = owner.get(
        f"{ROOT}/saved-views/new", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="dialog"
    ).content.decode()
    assert "<html" not in bare
    assert "<form" in bare
    answer = owner.post(
        f"{ROOT}/saved-views/new",
        {"name": "x", "listed": "grants"},
        HTTP_HX_REQUEST="true",
        HTTP_HX_TARGET="dialog",
    )
    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith(f"{ROOT}/saved-views/")


def test_a_refusal_about_a_field_stands_beside_it(owner):
    answer = save_view(owner, listed="nowhere")
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="f-listed_error"' in text
    assert "There is no list nowhere." in text


def test_a_form_starts_with_what_the_address_and_the_object_say(owner):
    assert 'value="releases"' in owner.get(f"{ROOT}/saved-views/new?listed=releases").content.decode()
    made = save_view(owner)["Location"]
    assert 'value="Mine"' in owner.get(f"{made}do/update").content.decode()


def test_saved_views_stand_above_their_list(owner):
    save_view(owner)
    assert f'href="{ROOT}/grants/?role=rte"' in owner.get(f"{ROOT}/grants/").content.decode()


def test_a_secret_is_shown_once_on_the_page_of_the_act(owner):
    account = owner.post(f"{ROOT}/service-accounts/new", {"name": "pipeline"})
    assert account.status_code == 303
    assert owner.get(account["Location"]).status_code == 200


def test_times_are_entered_and_shown_in_the_viewers_zone(owner, in_northwind):
    from releasetrain.accounts.models import Grant, User

    User.objects.filter(email="owner@northwind.example").update(time_zone="Europe/Berlin")
    answer = owner.post(
        f"{ROOT}/grants/new",
        {
            "email": "nobody@northwind.example",
            "role": "auditor",
            "starts_at": "2026-01-01T12:00",
            "ends_at": "2026-12-01T09:30",
        },
    )
    assert answer.status_code == 303, answer.content.decode()[:3000]
    given = Grant.objects.get(user__email="nobody@northwind.example")
    assert (given.starts_at.hour, given.ends_at.hour, given.ends_at.minute) == (11, 8, 30)


def test_search_page_and_palette(owner):
    save_view(owner, name="Quarterly access review")
    assert "Quarterly access review" in owner.get(f"{ROOT}/search/?q=quarterly").content.decode()
    hits = owner.get(
        f"{ROOT}/search/?q=quarterly", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="hits"
    ).content.decode()
    assert "data-hit" in hits
    assert "<html" not in hits
    assert (
        owner.get(f"{ROOT}/search/?q=quarterly&format=json").json()["items"][0]["label"]
        == "Quarterly access review"
    )


def test_kinds_beyond_the_first_are_named_with_how_many_were_found(owner, monkeypatch):
    from releasetrain.interface.views import search

    save_view(owner, name="The owner's week")
    all_shown = owner.get(f"{ROOT}/search/?q=owner").content.decode()
    kinds = re.findall(r'<section class="panel" data-kind="(\w+)"', all_shown)
    assert len(kinds) == 2
    assert "Also found" not in all_shown
    monkeypatch.setattr(search, "KINDS", 1)
    text = owner.get(f"{ROOT}/search/?q=owner").content.decode()
    assert re.findall(r'<section class="panel" data-kind="(\w+)"', text) == kinds[:1]
    named = text.partition("Also found")[2]
    assert re.findall(r'href="\?q=owner&amp;kind=(\w+)"', named) == kinds[1:]
    assert re.search(r'<span class="muted">\d+</span>', named)


def test_signed_out_people_are_sent_to_sign_in_and_come_back(client, db):
    answer = client.get(f"{ROOT}/grants/?role=rte")
    assert answer.status_code == 302
    assert "/accounts/login/" in answer["Location"]
    assert "role" in answer["Location"]


def test_absent_and_foreign_organizations_look_the_same(owner):
    foreign, absent = owner.get("/o/contoso-health/grants/"), owner.get("/o/no-such/grants/")
    assert foreign.status_code == absent.status_code == 404
    assert _body(foreign) == _body(absent)


def test_pages_keep_the_content_security_policy(owner):
    for address in (
        f"{ROOT}/grants/",
        f"{ROOT}/saved-views/new",
        "/api/",
        "/api/problems/",
        _first(owner, "grants"),
    ):
        text = owner.get(address).content.decode()
        assert not re.search(r'\sstyle="|\son[a-z]+="|<script(?![^>]*\ssrc=)', text), address


def test_the_explorer_lists_every_verb_with_a_call_to_copy(owner):
    from releasetrain.audit.doorway import actions

    text = owner.get("/api/").content.decode()
    assert all(verb in text for verb in actions())
    assert "curl -X POST" in text


def test_a_list_costs_the_same_number_of_queries_whatever_its_length(owner, django_assert_max_num_queries):
    owner.get(f"{ROOT}/grants/")
    with django_assert_max_num_queries(16):
        owner.get(f"{ROOT}/grants/")


def test_an_act_that_needs_step_up_asks_for_the_password_again(owner, api, monkeypatch):
    from releasetrain.audit.doorway import actions
    from tests.fixtures import signed_in_an_hour_ago
    from tests.testbed.cast import PASSWORD

    monkeypatch.setattr(actions()["saved_view.create"], "step_up", True)
    signed_in_an_hour_ago(owner)
    address = f"{ROOT}/saved-views/new"
    asked = owner.get(address)
    assert asked.status_code == 303
    assert asked["Location"].startswith("/accounts/reauthenticate/?next=")
    assert save_view(owner)["Location"].startswith("/accounts/reauthenticate/")
    session = owner.post(
        "/api/v1/orgs/northwind/saved-views", {"name": "x", "listed": "grants"}, "application/json"
    )
    assert session.json()["code"] == "step_up.required"
    assert (
        api("owner").post("/api/v1/orgs/northwind/saved-views", {"name": "x", "listed": "grants"}).status_code
        == 201
    )
    owner.post(asked["Location"], {"password": PASSWORD})
    assert owner.get(address).status_code == 200
    assert save_view(owner)["Location"].startswith(f"{ROOT}/saved-views/")


def test_the_explorer_needs_no_sign_in(client, db):
    assert client.get("/api/").status_code == 200
    assert client.get("/api/problems/state.illegal").status_code == 200
    assert client.get("/api/problems/no.such.code").status_code == 404


def test_health_needs_no_sign_in(client, db, redis_url):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200


def _first(client, plural):
    text = client.get(f"{ROOT}/{plural}/").content.decode()
    return re.search(rf'class="obj" href="({ROOT}/{plural}/[^"]+/)"', text)[1]


def _body(answer):
    return re.sub(r'name="csrf" content="[^"]*"', "", answer.content.decode())
