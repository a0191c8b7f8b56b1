"""Guessing, stealing and borrowing: passwords, tokens, sessions, forms, frames, and addresses to be sent on to."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from releasetrain.accounts import tokens
from releasetrain.accounts.models import ApiToken
from releasetrain.kernel.clock import now
from tests.testbed.cast import PASSWORD, email

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
ASKED = "/api/v1/orgs/northwind/releases"
# GitHub's and GitLab's scanners look for what a pattern like this finds.
SCANNER = re.compile(r"\brtk_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}[0-9a-f]{8}\b")


def sign_in(client: Client, password: str = PASSWORD, role: str = "rte", **more: Any) -> Any:
    return client.post(LOGIN, {"login": email(role, "northwind"), "password": password, **more})


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
    ident = real[4:16]
    for number in range(40):
        secret = f"{number:032d}"
        guess = f"rtk_{ident}_{secret}{tokens.checksum(ident, secret)}"
        answer = Client().get(ASKED, headers={"Authorization": f"Bearer {guess}"})
        answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    unknown = Client().get(
        ASKED,
        headers={"Authorization": f"Bearer rtk_{'0' * 12}_{'0' * 32}{tokens.checksum('0' * 12, '0' * 32)}"},
    )
    answers.add((unknown.status_code, unknown.json()["code"], unknown.json()["detail"]))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


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
