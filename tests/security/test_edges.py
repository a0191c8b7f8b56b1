"""Guessing, stealing and borrowing: passwords, tokens, sessions, forms, frames, and addresses to be sent on to."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import redis
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from releasetrain.accounts import tokens
from releasetrain.accounts.adapter import AccountAdapter
from releasetrain.accounts.addresses import client_address
from releasetrain.accounts.models import ApiToken
from releasetrain.interface.api import limits
from releasetrain.kernel.clock import now
from tests.testbed.cast import PASSWORD, email

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
ASKED = "/api/v1/orgs/northwind/releases"
# GitHub's and GitLab's scanners look for what a pattern like this finds.
SCANNER = re.compile(r"\brtk_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}[0-9a-f]{8}\b")


def sign_in(client: Client, password: str = PASSWORD, role: str = "rte", **more: Any) -> Any:
    return client.post(LOGIN, {"login": email(role, "northwind"), "password": password, **more})


def ask(text: str, address: str, seen: str = "") -> Any:
    """Ask with a token, from an address; `seen` is what proxies say of it."""
    headers = {"Authorization": f"Bearer {text}"} | ({"X-Forwarded-For": seen} if seen else {})
    return Client(REMOTE_ADDR=address).get(ASKED, headers=headers)


def guess_of(real: str, number: int) -> str:
    """A well-formed token of the same id as a real one."""
    ident, secret = real[4:16], f"{number:032d}"
    return f"rtk_{ident}_{secret}{tokens.checksum(ident, secret)}"


@pytest.fixture
def one_minute() -> Iterator[Any]:
    """A minute that does not end while guesses are counted."""
    with time_machine.travel((now() + timedelta(minutes=1)).replace(second=5), tick=False) as traveller:
        yield traveller


# -- tokens (row 12) -----------------------------------------------------------------------------------------------------------


def test_a_leaked_token_is_found_by_its_pattern_and_proved_by_its_checksum(token: Any) -> None:
    leaked = token("service_account")
    (found,) = SCANNER.findall(f"export TOKEN={leaked}; curl …")
    assert found == leaked
    assert tokens.PATTERN.fullmatch(leaked)
    assert tokens.find(leaked[:-1] + ("0" if leaked[-1] != "0" else "1")) is None


def test_a_revoked_token_is_refused_within_a_second(api: Any, redis_url: str) -> None:
    rest = api("service_account")
    assert rest.get(ASKED).status_code == 200
    began = time.monotonic()
    ApiToken.objects.filter(label="test").update(revoked_at=now())
    assert rest.get(ASKED).status_code == 401
    assert time.monotonic() - began < 1


def test_guessed_tokens_find_nothing_and_differ_in_nothing(token: Any, redis_url: str) -> None:
    real, answers = token("service_account"), set()
    tried = [guess_of(real, number) for number in range(25)] + [guess_of(f"rtk_{'0' * 12}", 0)]
    for guess in tried:
        answer = ask(guess, "198.51.100.1")
        answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


def test_guessed_tokens_are_counted_by_address_and_then_no_more_is_tried(
    token: Any, redis_url: str, one_minute: Any, django_assert_num_queries: Any
) -> None:
    real, known, address = token("service_account"), token("rte"), "198.51.100.2"
    assert ask(known, address).status_code == 200
    assert {ask(guess_of(real, number), address).status_code for number in range(30)} == {401}
    spent = ask(guess_of(real, 30), address)
    assert (spent.status_code, spent["Content-Type"]) == (429, "application/problem+json")
    assert spent.json()["code"] == "token.guessed"
    assert 0 < int(spent["Retry-After"]) <= 60
    with django_assert_num_queries(0):
        assert ask(guess_of(real, 31), address).status_code == 429
        assert ask(real, address).status_code == 429, "a guess that is right is not tried either"
        answer = Client(REMOTE_ADDR=address).post(
            "/api/v1/orgs/northwind/gates/evaluate", {"gate": "x"}, content_type="application/json",
            headers={"Authorization": f"Bearer {real}"},
        )  # fmt: skip
        assert answer.status_code == 429
    assert ask(known, address).status_code == 200, "what was proved good is no guess"
    assert ask(real, "198.51.100.3").status_code == 200, "another address is another client"
    one_minute.shift(60)
    assert ask(real, address).status_code == 200


def test_guesses_from_many_addresses_are_counted_by_token_and_bar_nobody(
    token: Any, redis_url: str, one_minute: Any
) -> None:
    real = token("service_account")
    answers = [ask(guess_of(real, number), f"198.51.100.{100 + number}").status_code for number in range(35)]
    assert answers == [401] * 30 + [429] * 5
    assert ask(real, "198.51.100.4").status_code == 200
    assert ask(guess_of(token("rte"), 0), "198.51.100.5").status_code == 401


def test_guessed_tokens_are_counted_while_the_cache_is_away(
    token: Any, redis_url: str, one_minute: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> Any:
        raise redis.ConnectionError("no cache")

    monkeypatch.setattr(limits, "count", away)
    monkeypatch.setattr(limits, "store", away)
    real, known, address = token("service_account"), token("rte"), "198.51.100.6"
    assert ask(known, address).status_code == 200
    answers = [ask(guess_of(real, number), address).status_code for number in range(35)]
    assert answers == [401] * 30 + [429] * 5
    assert ask(known, address).status_code == 200
    assert ask(real, "198.51.100.7").status_code == 200


def test_guesses_of_the_directorys_token_are_limited_too(redis_url: str, one_minute: Any) -> None:
    answers = [
        Client(REMOTE_ADDR="198.51.100.8").get(
            "/scim/northwind/v2/Users", headers={"Authorization": f"Bearer rts_{number}"}
        )
        for number in range(32)
    ]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429] * 2
    assert int(answers[-1]["Retry-After"]) > 0


def test_behind_a_proxy_clients_are_told_apart_and_invent_no_address(
    token: Any, redis_url: str, one_minute: Any, settings: Any
) -> None:
    settings.TRUSTED_PROXIES = 1
    real = token("service_account")
    answers = [
        ask(guess_of(real, number), "10.0.0.1", seen=f"192.0.2.{number}, 203.0.113.9").status_code
        for number in range(31)
    ]
    assert answers == [401] * 30 + [429]
    assert ask(real, "10.0.0.1", seen="203.0.113.9").status_code == 429
    assert ask(real, "10.0.0.1", seen="203.0.113.9, 203.0.113.10").status_code == 200


@pytest.mark.parametrize(
    ("proxies", "seen", "is_from"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "192.0.2.1, 203.0.113.9", "203.0.113.9"),
        (2, "192.0.2.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.0.0.1"),
        (1, "nonsense", "10.0.0.1"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
    ],
)
def test_only_what_our_proxies_say_is_believed_of_an_address(
    proxies: int, seen: str, is_from: str, settings: Any, rf: Any
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": seen} if seen else {})
    assert client_address(request) == is_from
    assert AccountAdapter().get_client_ip(request) == is_from, "sign-in is throttled by the same address"


# -- signing in (row 14) -------------------------------------------------------------------------------------------------------


def test_guessing_a_password_is_stopped_also_for_whoever_knows_it_then(
    client: Client, redis_url: str
) -> None:
    cache.clear()
    for _ in range(5):
        assert sign_in(client, "wrong").status_code == 200
    assert "_auth_user_id" not in client.session
    stopped = sign_in(client)
    assert "_auth_user_id" not in client.session, "the sixth try within five minutes is not even looked at"
    assert stopped.status_code in (200, 429)
    other = Client()
    assert sign_in(other, role="owner", password=PASSWORD).status_code == 302
    cache.clear()


def test_an_account_that_is_not_there_looks_like_a_wrong_password(client: Client, redis_url: str) -> None:
    cache.clear()

    def said(login: str) -> str:
        answer = client.post(LOGIN, {"login": login, "password": "wrong and long enough"})
        text = re.sub(r'name="csrf[^>]*>|value="[^"]*"|nonce="[^"]*"', "", answer.content.decode())
        return text.replace(login, "")

    assert said(email("rte", "northwind")) == said("stranger@northwind.example")
    cache.clear()


# -- sessions, forms, frames (row 15) ------------------------------------------------------------------------------------------


def test_signing_in_changes_the_session_and_signing_out_ends_it(client: Client, redis_url: str) -> None:
    cache.clear()
    client.get(LOGIN)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    assert sign_in(client).status_code == 302
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != session.session_key
    stolen = Client()
    stolen.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert stolen.get("/o/northwind/").status_code == 200
    client.post("/accounts/logout/")
    assert stolen.get("/o/northwind/").status_code == 302


@pytest.mark.parametrize("address", ["/accounts/login/", "/o/northwind/trains/new", "/appearance/"])
def test_a_form_of_another_site_is_refused(web: Any, address: str) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = web("owner").cookies
    assert browser.post(address, {"key": "X", "name": "X"}).status_code == 403


@pytest.mark.parametrize("address", ["/accounts/login/", "/o/northwind/", "/api/", "/o/northwind/trains/new"])
def test_no_other_site_may_frame_a_page(web: Any, address: str) -> None:
    answer = web("owner").get(address)
    assert answer["X-Frame-Options"] == "DENY"
    policy = answer["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "///evil.example", "\\\\evil.example", "/\\evil.example",
        "https:evil.example", "javascript:alert(1)", "data:text/html,x", "http://localhost@evil.example/",
        "%2f%2fevil.example", "/%09/evil.example", "https://localhost.evil.example/",
    ],
)  # fmt: skip
def test_nobody_is_sent_on_to_another_site(client: Client, redis_url: str, target: str) -> None:
    cache.clear()
    answer = sign_in(client, next=target)
    theme = client.post("/appearance/", {"theme": "dark"}, headers={"Referer": target})
    for sent in (answer, theme):
        # As a browser reads it: a backslash is a slash, and what is relative stays on the site.
        there = urljoin(f"http://testserver{LOGIN}", sent.headers.get("Location", "/").replace("\\", "/"))
        assert urlsplit(there).netloc == "testserver"
        assert urlsplit(there).scheme == "http"
