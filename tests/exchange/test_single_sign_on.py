"""Signing in by an organization's own provider: a real one, and fifteen and more answers that prove nobody."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from urllib.parse import parse_qs, urlsplit

import dns.message
import dns.rrset
import pytest
from django.core.cache import cache
from django.test import Client

from releasetrain.accounts.models import Grant, Membership, User
from releasetrain.audit.models import LedgerEntry
from releasetrain.exchange.actions import identity as verbs
from releasetrain.exchange.models import IdentityProvider, SignInDomain
from releasetrain.kernel.clock import now
from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope
from tests.exchange.providers import Issuer, running
from tests.testbed.cast import PASSWORD

CALLBACK = "http://testserver/accounts/sso/callback/"


@pytest.fixture(scope="module")
def canaille():
    with running(CALLBACK) as provider:
        yield provider


@pytest.fixture(autouse=True)
def _own_network(settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]
    cache.clear()


def connect(
    cast,
    issuer,
    *,
    secret="",
    domain="northwind.example",
    groups=(("cab", "cab_member"), ("engineering", "team_member")),
):
    """A provider with a verified domain and mapped groups."""
    from releasetrain.accounts.catalogue import Role

    with tenant_scope(cast.organization.pk, cast["owner"]):
        provider = verbs.connect(
            cast["owner"],
            name="Staff sign-in",
            issuer=issuer,
            client_id="release-train",
            client_secret=secret,
        )
        for group, role in groups:
            verbs.map_group(cast["owner"], provider, group=group, role=Role(role))
        SignInDomain.objects.create(
            organization=cast.organization, domain=domain, challenge="x", verified_at=now()
        )
    return provider


@pytest.fixture
def at_canaille(cast, canaille):
    return connect(cast, canaille.issuer, secret=canaille.client_secret)


def way_to(browser, slug="northwind", **query):
    """The address of the provider that the product sends a browser to."""
    page = browser.get(f"/accounts/sso/{slug}/start/", query)
    assert page.status_code == 200, page.content.decode()[:2000]
    return re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.content.decode())[1].replace(
        "&amp;", "&"
    )


def come_back(browser, target):
    parts = urlsplit(target)
    return browser.get(f"{parts.path}?{parts.query}")


def sign_in(browser, canaille, person, **query):
    return come_back(browser, canaille.sign_in(way_to(browser, **query), person, until=CALLBACK))


def roles(cast, address):
    with tenant_scope(cast.organization.pk, cast["owner"]):
        return set(
            Grant.objects.filter(user__email=address, revoked_at__isnull=True).values_list("role", flat=True)
        )


def test_somebody_of_the_organization_signs_in_for_the_first_time_with_the_roles_of_their_groups(
    cast, canaille, at_canaille
):
    browser = Client()
    found = browser.post(
        "/accounts/sso/", {"account": "Ada@Northwind.example", "next": "/o/northwind/releases/"}
    )
    assert found["Location"].startswith("/accounts/sso/northwind/start/?")
    # The provider does not say that addresses are verified, and the organization does not vouch for it.
    assert "verified" in sign_in(browser, canaille, "ada").content.decode()
    with tenant_scope(cast.organization.pk, cast["owner"]):
        verbs.edit(cast["owner"], at_canaille, vouches=True)
    done = sign_in(browser, canaille, "ada", next="/o/northwind/releases/")
    assert done["Location"] == "/o/northwind/releases/"
    assert browser.get("/o/northwind/").status_code == 200
    ada = User.objects.get(email="ada@northwind.example")
    assert not ada.has_usable_password()
    assert ada.name == "Ada Lovelace"
    assert roles(cast, ada.email) == {"cab_member", "team_member"}
    with tenant_scope(cast.organization.pk, cast["owner"]):
        told = list(LedgerEntry.objects.order_by("-id").values_list("verb", flat=True)[:3])
        assert set(told) == {"identity.sign_in", "grant.create"}
        said = "".join(LedgerEntry.objects.order_by("-id").values_list("body", flat=True)[:12])
        assert canaille.client_secret not in said
        assert canaille.client_secret not in IdentityProvider.objects.get().sealed_secret
    # Groups change at the provider; the next sign-in gives and takes back. What was given by hand stays.
    canaille.put("cab", "grace")
    try:
        sign_in(Client(), canaille, "ada")
        assert roles(cast, ada.email) == {"team_member"}
    finally:
        canaille.put("cab", "ada")


@pytest.fixture
def vouched(cast, at_canaille):
    with tenant_scope(cast.organization.pk, cast["owner"]):
        verbs.edit(cast["owner"], at_canaille, vouches=True)
    return at_canaille


def test_a_session_of_one_organizations_provider_leads_nowhere_else(cast, contoso, canaille, vouched):
    browser = Client()
    sign_in(browser, canaille, "ada")
    ada = User.objects.get(email="ada@northwind.example")
    Membership.objects.create(user=ada, organization=contoso)
    refused = browser.get("/o/contoso-health/")
    assert refused.status_code == 403
    assert "another organization" in refused.content.decode()
    assert browser.get("/api/v1/orgs/contoso-health/releases").json()["code"] == "sign_in.other_way"
    assert "Contoso" not in browser.get("/", follow=True).content.decode()
    assert browser.get("/accounts/password/change/").status_code == 403
    assert browser.get("/accounts/2fa/").status_code == 403
    assert browser.post("/organizations/new/", {"name": "x", "slug": "xxx"}).status_code == 403


def test_an_account_that_another_organization_knows_is_connected_only_by_its_owner(
    cast, contoso, canaille, vouched, web
):
    owner = cast.user("owner")
    Membership.objects.create(user=owner, organization=contoso)
    refused = sign_in(Client(), canaille, "owner")
    assert refused.status_code == 403
    assert "Another organization knows this account" in refused.content.decode()
    browser = web("owner")
    assert sign_in(browser, canaille, "owner", connect="1")["Location"] == "/accounts/profile/"
    assert sign_in(Client(), canaille, "owner")["Location"] == "/o/northwind/"
    # With one's own password one may connect one's own account, and nobody else's.
    other = sign_in(web("rte"), canaille, "grace", connect="1")
    assert "another address" in other.content.decode()


def test_whoever_took_an_address_before_it_was_proved_keeps_no_way_in(cast, canaille, vouched):
    squatter = User.objects.create_user("ada@northwind.example", PASSWORD)
    there = Client()
    assert there.post("/accounts/login/", {"login": squatter.email, "password": PASSWORD}).status_code == 302
    assert sign_in(Client(), canaille, "ada").status_code == 302
    squatter.refresh_from_db()
    assert not squatter.has_usable_password()
    assert there.get("/o/northwind/")["Location"].startswith("/accounts/login/")


def test_single_sign_on_can_be_required_and_an_owner_breaks_the_glass_on_record(cast, canaille, vouched, web):
    with (
        tenant_scope(cast.organization.pk, cast["owner"]),
        pytest.raises(Refused, match="Nobody has signed in"),
    ):
        verbs.require(cast["owner"], vouched)
    ada = Client()
    sign_in(ada, canaille, "ada")
    with tenant_scope(cast.organization.pk, cast["owner"]):
        verbs.require(cast["owner"], vouched)
    member, owner = web("rte"), web("owner")
    sent = member.get("/o/northwind/releases/")
    assert sent["Location"] == "/accounts/sso/northwind/start/?next=/o/northwind/releases/"
    assert member.get("/api/v1/orgs/northwind/releases").json()["code"] == "sign_in.other_way"
    assert member.get("/accounts/sso/northwind/break-glass/").status_code == 404
    assert ada.get("/o/northwind/").status_code == 200
    assert owner.get("/o/northwind/").status_code == 302
    assert owner.post("/accounts/sso/northwind/break-glass/", {"reason": " "}).status_code == 422
    entered = owner.post("/accounts/sso/northwind/break-glass/", {"reason": "The provider is away."})
    assert entered["Location"] == "/o/northwind/"
    assert owner.get("/o/northwind/").status_code == 200
    with tenant_scope(cast.organization.pk, cast["owner"]):
        entry = LedgerEntry.objects.filter(verb="organization.break_glass").get()
        assert json.loads(entry.body)["reason"] == "The provider is away."
        verbs.make_optional(cast["owner"], vouched)
    assert member.get("/o/northwind/releases/").status_code == 200


def test_a_domain_is_proved_by_its_own_name_servers_and_is_of_one_organization(cast, other_cast, settings):
    asked, server, port = [], *_name_server()
    settings.DNS_SERVERS = [f"127.0.0.1:{port}"]
    with tenant_scope(cast.organization.pk, cast["owner"]):
        provider = verbs.connect(cast["owner"], name="Staff")
        told = verbs.claim_domain(cast["owner"], provider, domain="Bank.Example.")
        assert told["record"] == "_release-train.bank.example"
        with pytest.raises(Refused, match="no TXT record"):
            verbs.verify_domain(cast["owner"], provider, domain="bank.example")
        server.records[told["record"]] = told["value"]
        verbs.verify_domain(cast["owner"], provider, domain="bank.example")
        with pytest.raises(Refused, match="no domain"):
            verbs.claim_domain(cast["owner"], provider, domain="com")
    with tenant_scope(other_cast.organization.pk, other_cast["owner"]):
        other = verbs.connect(other_cast["owner"], name="Staff")
        told = verbs.claim_domain(other_cast["owner"], other, domain="bank.example")
        server.records[told["record"]] = told["value"]
        with pytest.raises(Refused, match="by another organization"):
            verbs.verify_domain(other_cast["owner"], other, domain="bank.example")
    assert asked == []
    server.close()


class _NameServer:
    def __init__(self) -> None:
        import socket

        self.records: dict[str, str] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                data, sender = self.socket.recvfrom(2048)
            except OSError:
                return
            query = dns.message.from_wire(data)
            reply = dns.message.make_response(query)
            name = query.question[0].name
            value = self.records.get(name.to_text(omit_final_dot=True))
            if value:
                reply.answer.append(dns.rrset.from_text(name, 5, "IN", "TXT", f'"{value}"'))
            self.socket.sendto(reply.to_wire(), sender)

    def close(self) -> None:
        self.socket.close()


def _name_server():
    server = _NameServer()
    return server, server.socket.getsockname()[1]


@pytest.fixture(scope="module")
def issuer():
    made = Issuer()
    yield made
    made.close()


def _unsigned(claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'kid': 'first'})}.{part(claims)}."


def _tampered(token):
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "somebody-else"
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


BAD = {
    "wrong issuer": lambda i, n: i.signed(i.claims(n, iss="https://elsewhere.example")),
    "wrong audience": lambda i, n: i.signed(i.claims(n, aud="another-client")),
    "several audiences and no azp": lambda i, n: i.signed(i.claims(n, aud=[i.client_id, "another-client"])),
    "azp of another client": lambda i, n: i.signed(i.claims(n, azp="another-client")),
    "nonce of another sign-in": lambda i, n: i.signed(i.claims("another nonce")),
    "no nonce": lambda i, n: i.signed(i.claims(n, nonce=None)),
    "expired": lambda i, n: i.signed(i.claims(n, exp=int(time.time()) - 3600, iat=int(time.time()) - 7200)),
    "no expiry": lambda i, n: i.signed(i.claims(n, exp=None)),
    "not yet valid": lambda i, n: i.signed(i.claims(n, nbf=int(time.time()) + 3600)),
    "issued in the future": lambda i, n: i.signed(i.claims(n, iat=int(time.time()) + 3600)),
    "alg none": lambda i, n: _unsigned(i.claims(n)),
    "HS256 with the public key": lambda i, n: i.signed_with_the_public_key(i.claims(n)),
    "unknown kid": lambda i, n: i.signed(i.claims(n), header={"kid": "nobody's"}),
    "another key under the same kid": lambda i, n: i.signed(i.claims(n), i.other),
    "changed after signing": lambda i, n: _tampered(i.signed(i.claims(n))),
    "missing sub": lambda i, n: i.signed(i.claims(n, sub=None)),
    "sub that is no text": lambda i, n: i.signed(i.claims(n, sub=["ada-1"])),
    "at_hash of another access token": lambda i, n: i.signed(i.claims(n, at_hash="AAAAAAAAAAAAAAAAAAAAAA")),
    "address not verified": lambda i, n: i.signed(i.claims(n, email_verified=False)),
    "verification not said": lambda i, n: i.signed(i.claims(n, email_verified=None)),
    "no address": lambda i, n: i.signed(i.claims(n, email=None)),
    "foreign domain": lambda i, n: i.signed(i.claims(n, email="ada@elsewhere.example")),
    "domain that only looks alike": lambda i, n: i.signed(
        i.claims(n, email="ada@northwind.example.evil.example")
    ),
    "no token at all": lambda i, n: "",
    "not a token": lambda i, n: "a.b.c",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_id_token_signs_nobody_in(kind, cast, issuer):
    connect(cast, issuer.url)
    browser = Client()
    asked = parse_qs(urlsplit(way_to(browser)).query)
    assert asked["code_challenge_method"] == ["S256"]
    issuer.id_token = BAD[kind](issuer, asked["nonce"][0])
    answer = browser.get("/accounts/sso/callback/", {"state": asked["state"][0], "code": f"code for {kind}"})
    assert answer.status_code == 403
    assert "_auth_user_id" not in browser.session
    assert not User.objects.filter(email__startswith="ada@").exists()
    assert issuer.id_token == "" or issuer.id_token not in answer.content.decode()


def begun(browser, issuer, code="a code", **query):
    asked = parse_qs(urlsplit(way_to(browser, **query)).query)
    issuer.id_token = issuer.signed(issuer.claims(asked["nonce"][0]))
    return {"state": asked["state"][0], "code": code}


def back(browser, answer):
    return browser.get("/accounts/sso/callback/", answer)


def test_a_good_token_signs_in_once_and_neither_state_nor_code_counts_again(cast, issuer):
    connect(cast, issuer.url)
    browser = Client()
    answer = begun(browser, issuer, "once")
    assert back(browser, answer).status_code == 302
    assert back(browser, answer).status_code == 403
    # The state of one browser is nothing to another, and a code that was used is used.
    other = Client()
    assert back(other, begun(Client(), issuer, "of another browser")).status_code == 403
    assert "_auth_user_id" not in other.session
    assert back(other, {**begun(other, issuer), "code": "once"}).status_code == 403
    assert back(other, {**begun(other, issuer, "c1"), "state": "guessed"}).status_code == 403
    assert back(other, {**begun(other, issuer, "c2"), "iss": "https://elsewhere.example"}).status_code == 403
    assert back(other, {"state": begun(other, issuer)["state"], "error": "access_denied"}).status_code == 403
    assert "_auth_user_id" not in other.session


def test_another_person_under_a_known_address_is_refused(cast, issuer):
    connect(cast, issuer.url)
    first = Client()
    assert back(first, begun(first, issuer, "p1")).status_code == 302
    browser = Client()
    asked = parse_qs(urlsplit(way_to(browser)).query)
    issuer.id_token = issuer.signed(issuer.claims(asked["nonce"][0], sub="ada-2"))
    refused = back(browser, {"state": asked["state"][0], "code": "p2"})
    assert "another person under this address" in refused.content.decode()


def test_keys_are_kept_and_fetched_anew_when_the_provider_rotates_them(cast, issuer):
    from joserfc.jwk import RSAKey

    connect(cast, issuer.url)
    issuer.asked.clear()
    for number in range(3):
        browser = Client()
        assert back(browser, begun(browser, issuer, f"k{number}")).status_code == 302
    assert issuer.asked.count("/keys") == 1
    issuer.key = RSAKey.generate_key(2048, {"kid": "first"}, private=True)
    issuer.published = [issuer.key]
    browser = Client()
    assert back(browser, begun(browser, issuer, "k9")).status_code == 302
    assert issuer.asked.count("/keys") == 2


def test_an_issuer_leads_to_no_private_address(cast, settings):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    with tenant_scope(cast.organization.pk, cast["owner"]):
        for address in (
            "http://169.254.169.254/",
            "https://10.0.0.1",
            "https://localhost",
            "ftp://x.example",
        ):
            with pytest.raises(Refused):
                verbs.connect(cast["owner"], name="Staff", issuer=address, client_id="x")


def test_nobody_is_led_elsewhere_after_signing_in(cast, issuer):
    connect(cast, issuer.url)
    for target in ("https://evil.example/", "//evil.example", "/\\evil.example"):
        browser = Client()
        assert (
            back(browser, begun(browser, issuer, f"to {target}", next=target))["Location"] == "/o/northwind/"
        )


def test_only_the_provider_says_who_signs_in(cast, api, issuer):
    connect(cast, issuer.url)
    answer = api("owner").post(
        "/api/v1/orgs/northwind/identities/sign_in",
        {"issuer": issuer.url, "subject": "1", "email": "ada@northwind.example"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "identity.by_provider")


def test_a_mapping_takes_effect_at_once_and_leaves_alone_what_was_given_by_hand(cast, issuer):
    from releasetrain.accounts.actions import create_grant
    from releasetrain.accounts.catalogue import Role

    provider = connect(cast, issuer.url, groups=())
    browser = Client()
    back(browser, begun(browser, issuer, "m1"))
    owner, ada = cast["owner"], "ada@northwind.example"
    assert roles(cast, ada) == set()
    with tenant_scope(cast.organization.pk, owner):
        create_grant(owner, email=ada, role=Role.EXECUTIVE)
        provider.refresh_from_db()
        verbs.map_group(owner, provider, group="CAB", role=Role.CAB_MEMBER)
        verbs.map_group(owner, provider, group="cab", role=Role.EXECUTIVE)
    assert roles(cast, ada) == {"executive", "cab_member"}
    with tenant_scope(cast.organization.pk, owner):
        verbs.unmap_group(owner, provider, group="cab", role=Role.CAB_MEMBER)
        verbs.unmap_group(owner, provider, group="cab", role=Role.EXECUTIVE)
        with pytest.raises(Refused, match="not given by a group"):
            verbs.map_group(owner, provider, group="cab", role=Role.AUDITOR)
    assert roles(cast, ada) == {"executive"}


def test_the_sign_in_page_tells_no_more_of_an_organization_than_that_it_signs_in_here(cast, issuer):
    connect(cast, issuer.url)
    browser = Client()
    for unknown in ("somebody@contoso-health.example", "contoso-health", "no-such", "x@@y", "@"):
        answer = browser.post("/accounts/sso/", {"account": unknown})
        assert answer.status_code == 422
        assert "No organization signs its people in" in answer.content.decode()
    assert browser.get("/accounts/sso/contoso-health/start/").status_code == 404
