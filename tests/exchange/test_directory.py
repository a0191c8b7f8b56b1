"""The directory (SCIM 2.0): driven by a real client and checked by a conformance tester; the end of somebody's access is at once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.actions import boards, changes
from governance.models import BoardMember, ChangeRequest, Vote
from releasetrain.accounts.models import ApiToken, Grant, Membership, User
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange.actions import identity as verbs
from releasetrain.exchange.models import DirectoryGroup, Identity, IdentityProvider, SignInDomain
from releasetrain.kernel.clock import now
from releasetrain.tenancy.scope import tenant_scope
from tests.testbed.cast import PASSWORD, email

BASE = "http://testserver/scim/northwind/v2"


@pytest.fixture
def directory(cast):
    """The token of Northwind's directory; the domain northwind.example is proved, and two groups are mapped."""
    from releasetrain.accounts.catalogue import Role

    with tenant_scope(cast.organization.pk, cast["owner"]):
        provider = verbs.connect(cast["owner"], name="Staff")
        for group, role in (("cab", Role.CAB_MEMBER), ("release", Role.RELEASE_MANAGER)):
            verbs.map_group(cast["owner"], provider, group=group, role=role)
        SignInDomain.objects.create(
            organization=cast.organization, domain="northwind.example", challenge="x", verified_at=now()
        )
        return verbs.issue_directory_token(cast["owner"], provider)["token"]


@pytest.fixture
def scim(directory, monkeypatch):
    """A SCIM client library that talks to the product as a web server would."""
    from scim2_client.engines.wsgi import WSGISCIMClient
    from scim2_models import ScimProvider

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield WSGISCIMClient(
        get_wsgi_application(),
        provider=ScimProvider(),
        base_url=BASE,
        environ={"HTTP_AUTHORIZATION": f"Bearer {directory}"},
    )
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


class Rest:
    """Plain requests, for what a library would not send."""

    def __init__(self, token):
        self.client = Client(headers={"Authorization": f"Bearer {token}"})

    def __call__(self, method, path, body=None, **headers):
        return self.client.generic(
            method,
            f"/scim/northwind/v2{path}",
            json.dumps(body) if body is not None else "",
            "application/scim+json",
            headers=headers,
        )

    def person(self, name="ada", **other):
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": f"{name}@northwind.example",
            "emails": [{"value": f"{name}@northwind.example", "primary": True}],
            "displayName": name.title(),
            **other,
        }
        answer = self("POST", "/Users", body)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def group(self, name, *members):
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": [{"value": each} for each in members],
        }
        return self("POST", "/Groups", body).json()

    def patch(self, path, *operations, **headers):
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self("PATCH", path, body, **headers)


@pytest.fixture
def rest(directory):
    return Rest(directory)


def roles(cast, address):
    with tenant_scope(cast.organization.pk, cast["owner"]):
        return set(
            Grant.objects.filter(user__email=address, revoked_at__isnull=True).values_list("role", flat=True)
        )


@pytest.mark.patient
def test_every_check_of_the_conformance_tester_passes(scim, record_property):
    from scim2_tester import Status, check_server

    results = check_server(scim)
    bad = [f"{r.title}: {r.reason}" for r in results if r.status in (Status.ERROR, Status.CRITICAL)]
    counted = {status.name: sum(r.status is status for r in results) for status in Status}
    record_property("summary", f"SCIM tester: {counted}")
    assert not bad, "\n".join(bad)
    assert counted["SUCCESS"] > 100


def test_a_client_library_provisions_finds_and_removes_a_person(scim, cast):
    scim.discover()
    user_model, group_model = scim.get_resource_model("User"), scim.get_resource_model("Group")
    made = scim.create(
        user_model(
            user_name="ada@northwind.example", display_name="Ada", emails=[{"value": "ada@northwind.example"}]
        )
    )
    group = scim.create(group_model(display_name="cab", members=[{"value": made.id}]))
    assert scim.query(user_model, made.id).groups[0].value == group.id
    assert roles(cast, "ada@northwind.example") == {"cab_member"}
    scim.delete(user_model, made.id)
    assert roles(cast, "ada@northwind.example") == set()


def test_groups_give_and_take_roles_at_once(rest, cast):
    ada, grace = rest.person("ada"), rest.person("grace")
    cab = rest.group("CAB", ada["id"])
    assert roles(cast, "ada@northwind.example") == {"cab_member"}
    path = f"/Groups/{cab['id']}"
    assert (
        rest.patch(path, {"op": "add", "path": "members", "value": [{"value": grace["id"]}]}).status_code
        == 204
    )
    assert rest.patch(path, {"op": "remove", "path": f'members[value eq "{ada["id"]}"]'}).status_code == 204
    assert (roles(cast, "ada@northwind.example"), roles(cast, "grace@northwind.example")) == (
        set(),
        {"cab_member"},
    )
    rest.patch(path, {"op": "replace", "path": "displayName", "value": "release"})
    assert roles(cast, "grace@northwind.example") == {"release_manager"}
    assert rest("DELETE", path).status_code == 204
    assert roles(cast, "grace@northwind.example") == set()
    assert rest("GET", path).status_code == 404
    with tenant_scope(cast.organization.pk, cast["owner"]):
        told = set(LedgerEntry.objects.filter(route="scim").values_list("verb", flat=True))
        assert {
            "identity.create",
            "directory_group.create",
            "directory_group.edit",
            "grant.create",
            "grant.revoke",
        } <= told


def _submitted(cast):
    """A change that waits for the votes of the board on which two CAB members and a third sit."""
    chair, author = cast["change_manager"], cast["release_manager"]
    with tenant_scope(cast.organization.pk, chair):
        board = boards.create_board(chair, name="CAB", quorum=3)
        for role in ("cab_member", "second_cab_member", "third_cab_member"):
            boards.add_member(chair, board, email=email(role, "northwind"))
        change = changes.create_change(
            author,
            title="New rates",
            type=ChangeRequest.Type.NORMAL,
            risk=ChangeRequest.Risk.LOW,
            board=board,
        )
        changes.edit_change(
            author,
            change,
            implementation_plan="a",
            test_plan="b",
            backout_plan="c",
            window_starts=now() + timedelta(days=1),
            window_ends=now() + timedelta(days=1, hours=2),
        )
        return board, changes.submit(author, change)


@pytest.mark.parametrize("way", ["inactive by PATCH", "inactive by PUT", "deleted", "by hand"])
def test_an_end_ends_sessions_tokens_delegations_seats_votes_and_roles_within_the_same_request(
    way, rest, cast, token, api
):
    board, change = _submitted(cast)
    address = email("cab_member", "northwind")
    browser = Client()
    assert browser.post("/accounts/login/", {"login": address, "password": PASSWORD}).status_code == 302
    assert browser.get("/o/northwind/").status_code == 200
    their_token = token("cab_member")
    with tenant_scope(cast.organization.pk, cast["cab_member"]):
        changes.vote(cast["cab_member"], change, choice=Vote.Choice.APPROVE, rationale="Fine.")
    second = cast["second_cab_member"]
    with tenant_scope(cast.organization.pk, second):
        boards.delegate(second, board, email=address, starts_at=now(), ends_at=now() + timedelta(days=3))
    known = rest("POST", "/Users", {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": address, "emails": [{"value": address}],
    }).json()  # fmt: skip
    path = f"/Users/{known['id']}"
    if way == "inactive by PATCH":
        done = rest.patch(path, {"op": "replace", "value": {"active": False}})
        assert rest("GET", path).json()["active"] is False
    elif way == "inactive by PUT":
        done = rest("PUT", path, {**known, "active": False})
    elif way == "deleted":
        done = rest("DELETE", path)
    else:
        done = api("owner").post(
            f"/api/v1/orgs/northwind/identities/{known['id']}/deprovision", {"reason": "Left."}
        )
    assert done.status_code in (200, 204), done.content
    assert browser.get("/o/northwind/")["Location"].startswith("/accounts/login/")
    called = Client(headers={"Authorization": f"Bearer {their_token}"}).get("/api/v1/orgs/northwind/releases")
    assert called.status_code == 401
    user = cast.user("cab_member")
    assert not user.is_active
    assert Membership.objects.get(user=user).suspended_at
    assert not ApiToken.objects.filter(user=user, revoked_at__isnull=True).exists()
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert not BoardMember.objects.filter(user=user, removed_at__isnull=True).exists()
        assert not Grant.objects.filter(user=user, revoked_at__isnull=True).exists()
        before, change.revision = change.revision, None
        change.refresh_from_db()
        assert change.revision == before + 1
        assert change.state == ChangeRequest.State.AWAITING_APPROVAL
        told = set(LedgerEntry.objects.order_by("-id").values_list("verb", flat=True)[:12])
        assert {"identity.deprovision", "board_member.remove", "change.void_votes", "grant.revoke"} <= told
    again = Client()
    again.post("/accounts/login/", {"login": address, "password": PASSWORD})
    assert "_auth_user_id" not in again.session


def test_somebody_of_two_organizations_loses_only_this_one(rest, cast, contoso, web):
    user = cast.user("rte")
    Membership.objects.create(user=user, organization=contoso)
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    known = rest.person("rte", userName=user.email, emails=[{"value": user.email}])
    rest.patch(f"/Users/{known['id']}", {"op": "replace", "path": "active", "value": False})
    assert browser.get("/o/northwind/").status_code == 404
    assert browser.get("/o/contoso-health/").status_code == 200
    back = rest.patch(f"/Users/{known['id']}", {"op": "replace", "path": "active", "value": True})
    assert back.status_code == 204
    assert browser.get("/o/northwind/").status_code != 404


def test_the_last_owner_loses_access_but_the_organization_keeps_an_owner(rest, cast):
    address = email("owner", "northwind")
    known = rest.person("owner", userName=address, emails=[{"value": address}])
    ended = rest.patch(f"/Users/{known['id']}", {"op": "replace", "path": "active", "value": False})
    assert ended.status_code == 204
    assert roles(cast, address) == {"owner"}
    assert Membership.objects.get(user=cast.user("owner")).suspended_at


def test_nobody_ends_their_own_access(rest, cast, api):
    address = email("owner", "northwind")
    known = rest.person("owner", userName=address, emails=[{"value": address}])
    refused = api("owner").post(
        f"/api/v1/orgs/northwind/identities/{known['id']}/deprovision", {"reason": "x"}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "identity.oneself")


def test_an_address_of_a_foreign_domain_takes_no_account_over(rest, cast, contoso):
    victim = User.objects.get(email=email("owner", "contoso-health"))
    known = rest.person("v", userName=victim.email, emails=[{"value": victim.email}])
    with tenant_scope(cast.organization.pk, cast["owner"]):
        identity = Identity.objects.get(pk=known["id"])
        assert identity.user_id != victim.pk
        assert identity.user.email.endswith("@directory.invalid")
    assert not Membership.objects.filter(user=victim, organization=cast.organization).exists()


def test_filters_paging_etags_and_errors(rest):
    people = [rest.person(name) for name in ("ada", "grace", "edsger", "barbara", "alan")]
    found = rest("GET", '/Users?filter=userName eq "ADA@northwind.example"').json()
    assert (found["totalResults"], found["Resources"][0]["id"]) == (1, people[0]["id"])
    assert (
        rest("GET", '/Users?filter=displayName co "a" and active eq true&count=2').json()["totalResults"] == 4
    )
    page = rest("GET", "/Users?startIndex=4&count=3").json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 4, 2)
    ordered = rest("GET", "/Users?sortBy=userName&sortOrder=descending&attributes=userName").json()[
        "Resources"
    ]
    assert [each["userName"][0] for each in ordered] == ["g", "e", "b", "a", "a"]
    assert set(ordered[0]) == {"schemas", "id", "userName"}
    assert rest("GET", "/Users?filter=userName zz 1").json()["scimType"] == "invalidFilter"

    path = f"/Users/{people[0]['id']}"
    tag = rest("GET", path)["ETag"]
    assert rest("GET", path, **{"If-None-Match": tag}).status_code == 304
    change = {"op": "replace", "path": "title", "value": "Countess"}
    assert rest.patch(path, change, **{"If-Match": 'W/"0"'}).status_code == 412
    assert rest.patch(path, change, **{"If-Match": tag}).status_code == 204
    changed = rest("GET", path)
    assert (changed.json()["title"], changed["ETag"] != tag) == ("Countess", True)

    twice = rest("POST", "/Users", {"schemas": people[0]["schemas"], "userName": "Grace@northwind.example"})
    assert (twice.status_code, twice.json()["scimType"]) == (409, "uniqueness")
    for method, address, body, status in (
        ("POST", "/Users", {"userName": 5}, 400),
        ("POST", "/Users", ["x"], 400),
        ("POST", "/Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "g", "members": [{"value": "nobody"}]}, 400),
        ("PATCH", path, {"Operations": []}, 400),
        ("GET", "/Users/nobody", None, 404),
        ("GET", "/Nothing", None, 404),
        ("DELETE", "/Users", None, 405),
        ("POST", "/Bulk", {"Operations": []}, 501),
        ("GET", "/Me", None, 501),
    ):  # fmt: skip
        answer = rest(method, address, body)
        assert answer.status_code == status, (method, address, answer.content)
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


def test_only_this_organizations_directory_is_served(rest, directory, cast, other_cast, token):
    rest.person("ada")
    for header in ("", "Bearer x", f"Bearer {directory}x", f"Basic {directory}", f"Bearer {token('owner')}"):
        answer = Client(headers={"Authorization": header}).get("/scim/northwind/v2/Users")
        assert (answer.status_code, "Bearer" in answer["WWW-Authenticate"]) == (401, True)
        assert "ada" not in answer.content.decode()
    for slug in ("contoso-health", "no-such"):
        assert (
            Client(headers={"Authorization": f"Bearer {directory}"}).get(f"/scim/{slug}/v2/Users").status_code
            == 401
        )
    with tenant_scope(cast.organization.pk, cast["owner"]):
        said = "".join(LedgerEntry.objects.order_by("-id").values_list("body", flat=True)[:20])
        assert directory not in said
        verbs.revoke_directory_token(cast["owner"], IdentityProvider.objects.get())
    assert rest("GET", "/Users").status_code == 401


def test_what_is_refused_has_changed_nothing_and_lists_cost_the_same_whatever_their_length(rest, cast):
    members = [rest.person(f"p{number}")["id"] for number in range(6)]
    rest.group("cab", *members)
    with tenant_scope(cast.organization.pk, cast["owner"]):
        groups = DirectoryGroup.objects.count()
    bad = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "g",
        "members": [{"value": members[0]}, {"value": "x"}],
    }
    assert rest("POST", "/Groups", bad).status_code == 400
    with tenant_scope(cast.organization.pk, cast["owner"]):
        assert DirectoryGroup.objects.count() == groups
    counts = []
    for size in (1, 6):
        with CaptureQueriesContext(connection) as asked:
            assert len(rest("GET", f"/Users?count={size}").json()["Resources"]) == size
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 14
