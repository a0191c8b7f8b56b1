"""Every action and every resource has its faces, and they answer each role as its permissions say."""

from __future__ import annotations

import re
from zlib import crc32

import pytest
from django.urls import Resolver404, resolve, reverse

from releasetrain.accounts.catalogue import PERMISSIONS, ROLES
from releasetrain.audit.doorway import actions
from releasetrain.interface.links import api_list_url, list_url
from releasetrain.interface.parameters import serializer_for
from releasetrain.interface.resources import resource_of, resources
from releasetrain.tenancy.models import Organization

from .rows import row_of

VERBS = sorted(actions())
PLURALS = {r.plural: r for r in resources()}
ROLE_NAMES = [str(role) for role in ROLES]


def _segment_path(action, face):
    resource = resource_of(action.on or action.creates)
    if resource is None:
        return f"do/{action.verb}"
    segment = resource.segment(action)
    if face == "api":
        return (
            f"{resource.plural}/x/{segment}"
            if action.on
            else resource.plural + ("" if segment == "create" else f"/{segment}")
        )
    if action.on:
        return f"{resource.plural}/x/do/{segment}"
    return f"{resource.plural}/" + ("new" if segment == "create" else f"do/{segment}")


@pytest.mark.parametrize("verb", VERBS)
def test_every_action_has_an_api_endpoint(verb):
    action = actions()[verb]
    found = resolve(f"/api/v1/orgs/acme/{_segment_path(action, 'api')}")
    view = found.func.view_class
    assert view.verb is action
    assert "post" in {m.lower() for m in view().allowed_methods}


@pytest.mark.parametrize("verb", VERBS)
def test_every_action_has_a_page_or_is_hidden_because_it_has_its_own(verb):
    action = actions()[verb]
    if action.hidden:
        with pytest.raises(Resolver404):
            if resolve(f"/o/acme/{_segment_path(action, 'page')}").url_name != f"page-{verb}":
                raise Resolver404
    else:
        resolve(f"/o/acme/{_segment_path(action, 'page')}")


@pytest.mark.parametrize("verb", VERBS)
def test_every_action_is_documented_permitted_and_typed(verb):
    action = actions()[verb]
    assert action.summary.endswith("."), "the first line of the docstring says what happens"
    assert action.requires in PERMISSIONS, "requires a permission of the catalogue"
    assert action.on is None or action.on is Organization or resource_of(action.on), (
        "its subject has an address"
    )
    assert set(serializer_for(action)().fields) == {p.name for p in action.parameters}


def test_addresses_of_lists_and_verbs_are_unique():
    words = [resource.segment(a) for resource in resources() for a in resource.verbs]
    assert not {"history", "neighbours"} & set(words), "these words are reading endpoints"
    for resource in resources():
        own = [resource.segment(a) for a in resource.verbs]
        assert len(own) == len(set(own))


def test_names_of_resources_are_unique_in_the_schema():
    names = [r.model.__name__ for r in resources()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_every_list_answers_each_role_as_its_permission_says(role, api, web, cast, within):
    """Each role asks every list that needs a permission of its own, and its share of those that every member reads."""
    rest, browser = api(role), web(role)
    with within(cast, role) as actor:
        asked = {
            plural: (actor.may_somewhere(r.requires), api_list_url(r), list_url(r))
            for number, (plural, r) in enumerate(PLURALS.items())
            if r.requires != "organization.view" or number % len(ROLE_NAMES) == ROLE_NAMES.index(role)
        }
    for plural, (may, endpoint, page) in asked.items():
        expected = 200 if may else 403
        assert rest.get(endpoint).status_code == expected, plural
        assert browser.get(page).status_code == expected, plural


@pytest.mark.parametrize("plural", PLURALS)
def test_signed_out_requests_are_turned_away(plural, client, db):
    assert client.get(f"/api/v1/orgs/northwind/{plural}").status_code == 401
    assert client.get(f"/api/v1/orgs/northwind/{plural}/x").status_code == 401
    for address in (
        f"/o/northwind/{plural}/",
        f"/o/northwind/{plural}/x/",
        f"/o/northwind/{plural}/export.csv",
    ):
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("plural", PLURALS)
def test_another_organization_is_absent(plural, api, web):
    assert api("owner").get(f"/api/v1/orgs/contoso-health/{plural}").status_code == 404
    assert web("owner").get(f"/o/contoso-health/{plural}/").status_code == 404


@pytest.mark.parametrize("plural", PLURALS)
def test_rows_of_another_organization_are_absent(plural, cast, other_cast, api, web, within):
    resource = PLURALS[plural]
    with within(other_cast, "owner"):
        theirs = getattr(row_of(resource.model), "pk", None)
    if theirs is None:
        pytest.skip(f"no plausible row of {plural} can be made; its own app tests it")
    rest, browser = api("owner"), web("owner")
    for path in (f"{plural}/{theirs}", f"{plural}/{theirs}/history", f"{plural}/{theirs}/neighbours"):
        assert rest.get(f"/api/v1/orgs/northwind/{path}").status_code in (403, 404)
    for path in (f"{plural}/{theirs}/", f"{plural}/{theirs}/history"):
        assert browser.get(f"/o/northwind/{path}").status_code in (403, 404)
    for action in resource.verbs:
        answer = rest.post(f"/api/v1/orgs/northwind/{plural}/{theirs}/{resource.segment(action)}", {})
        assert answer.status_code in (403, 404), action.verb


@pytest.mark.parametrize("plural", PLURALS)
def test_lists_objects_and_searches_answer_whoever_may_read_them(plural, cast, api, web, within):
    resource = PLURALS[plural]
    role = next(r for r in ROLE_NAMES if resource.requires in ROLES[r].permissions)
    rest, browser = api(role), web(role)
    base, page = f"/api/v1/orgs/northwind/{plural}", f"/o/northwind/{plural}/"
    columns = ",".join(c for c in resource.columns if resource.has(c))
    for query in ("", "?q=a b&limit=1" + (f"&sort={columns}" if columns else "")):
        assert rest.get(base + query).status_code in (200, 422), query
    first_column = f"&sort=-{resource.columns[0]}" if resource.columns else ""
    for query in ("", f"?q=a b&page=2{first_column}"):
        assert browser.get(page + query).status_code in (200, 422), query
    assert b"".join(browser.get(f"{page}export.csv").streaming_content)
    with within(cast, role) as actor:
        made = row_of(resource.model)
        first = resource.visible(actor).first()
    if made is None:
        pytest.skip(f"no plausible row of {plural} can be made; its own app tests its pages")
    if first is not None:
        assert rest.get(base).json()["items"]
        assert first.pk
        for path in (
            f"{first.pk}",
            f"{first.pk}?include=allowed",
            f"{first.pk}/history",
            f"{first.pk}/neighbours",
        ):
            assert rest.get(f"{base}/{path}").status_code == 200, path
        for path in (f"{first.pk}/", f"{first.pk}/history"):
            assert browser.get(page + path).status_code == 200, path
        for action in resource.verbs:
            if not action.hidden:
                assert browser.get(f"{page}{first.pk}/do/{resource.segment(action)}").status_code in (
                    200,
                    303,
                ), action.verb


NONSENSE = ("x", -1, 10**30, True, [], {"a": 1}, "\ud7ff" * 9)
MAKING = [verb for verb in VERBS if actions()[verb].on is None]
CHANGING = [verb for verb in VERBS if actions()[verb].on not in (None, Organization)]


@pytest.mark.parametrize("verb", MAKING)
def test_every_making_form_opens_and_refuses_nonsense(verb, web, api):
    action = actions()[verb]
    role = _who_may(action)
    if not action.hidden:
        page = web(role).get(f"/o/northwind/{_segment_path(action, 'page')}")
        assert page.status_code in (200, 303)
        assert not re.search(rb'\sstyle="|\son[a-z]+="', page.content)
    _refuses_nonsense(api(role), action, f"/api/v1/orgs/northwind/{_segment_path(action, 'api')}")


@pytest.mark.parametrize("verb", CHANGING)
def test_every_changing_verb_refuses_nonsense(verb, cast, api, within):
    action = actions()[verb]
    role = _who_may(action)
    with within(cast, role):
        subject = row_of(action.on)
    if subject is None:
        pytest.skip(f"no plausible {action.on.__name__} can be made; its own app tests its verbs")
    path = _segment_path(action, "api").replace("/x/", f"/{subject.pk}/")
    _refuses_nonsense(api(role), action, f"/api/v1/orgs/northwind/{path}")


def _who_may(action):
    return next((r for r in ROLE_NAMES if action.requires in ROLES[r].permissions), "owner")


def _refuses_nonsense(client, action, address):
    """Each parameter gets three of the kinds of nonsense, others than its neighbours; all verbs together get all."""
    begin = crc32(action.verb.encode())
    for turn in range(3):
        wrong = {
            p.name: NONSENSE[(begin + 3 * number + turn) % len(NONSENSE)]
            for number, p in enumerate(action.parameters)
        }
        answer = client.post(address, wrong)
        assert answer.status_code < 500, (action.verb, wrong, answer.content[:300])
    assert client.post(address, {"no such parameter": 1}).status_code in (403, 404, 409, 422)
