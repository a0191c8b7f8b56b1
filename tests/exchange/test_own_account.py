"""One's own account: passwords that are refused, sessions that one sees and ends."""

from __future__ import annotations

import hashlib

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from releasetrain.accounts.models import User
from releasetrain.accounts.passwords import BreachedPassword, GuessablePassword
from tests.testbed.cast import PASSWORD, email

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile Safari/604.1"


@pytest.mark.parametrize(
    "password",
    ["Password12345!", "qwertyuiop123", "releasetrain2026", "abcabcabcabcabc"],
)
def test_a_password_that_is_soon_guessed_is_refused(password):
    with pytest.raises(ValidationError, match="soon guessed"):
        GuessablePassword().validate(password, User(email="ada.lovelace@northwind.example", name="Ada"))


def test_a_password_from_a_breach_is_refused_without_asking_anybody(tmp_path):
    digest = hashlib.sha1(PASSWORD.encode()).hexdigest().upper()
    (tmp_path / f"{digest[:5]}.txt").write_text(f"{'0' * 35}:3\n{digest[5:]}:12\n")
    with pytest.raises(ValidationError, match="published breach"):
        BreachedPassword(str(tmp_path)).validate(PASSWORD)
    BreachedPassword(str(tmp_path)).validate("another one that nobody has lost yet")
    BreachedPassword("").validate(PASSWORD)


def test_signing_up_refuses_what_is_soon_guessed(client, db):
    answer = client.post(
        "/accounts/signup/", {"email": "new@northwind.example", "password1": "Password12345!"}
    )
    assert "soon guessed" in answer.content.decode()


def signed_in(agent, address):
    browser = Client(headers={"User-Agent": agent, "X-Forwarded-For": ""}, REMOTE_ADDR=address)
    done = browser.post("/accounts/login/", {"login": email("rte", "northwind"), "password": PASSWORD})
    assert done.status_code == 302
    return browser


def test_somebody_sees_where_they_are_signed_in_and_ends_it_there(northwind):
    here, phone, other = (
        signed_in(FIREFOX, "192.0.2.1"),
        signed_in(PHONE, "192.0.2.2"),
        signed_in(FIREFOX, "192.0.2.3"),
    )
    text = here.get("/accounts/sessions/").content.decode()
    assert "Firefox on Linux" in text
    assert "Safari on iPhone" in text
    assert all(address in text for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"))
    assert text.count("This one") == 1
    wanted = text.split("192.0.2.2")[1].split('name="session" value="')[1].split('"')[0]
    here.post("/accounts/sessions/", {"session": wanted})
    assert phone.get("/o/northwind/").status_code == 302
    assert other.get("/o/northwind/").status_code == 200
    # Somebody else's session is nothing to me.
    stranger = Client()
    stranger.post("/accounts/login/", {"login": email("owner", "northwind"), "password": PASSWORD})
    stranger.post("/accounts/sessions/", {"session": str(int(wanted) - 1)})
    assert here.get("/o/northwind/").status_code == 200
    here.post("/accounts/sessions/")
    assert other.get("/o/northwind/").status_code == 302
    assert here.get("/o/northwind/").status_code == 200
    assert stranger.get("/o/northwind/").status_code == 200


def test_the_pages_of_passkeys_are_there_in_the_products_own_look(web):
    browser = web("rte")
    login = Client().get("/accounts/login/").content.decode()
    assert 'id="passkey_login"' in login
    assert "/accounts/sso/" in login
    assert browser.get("/accounts/2fa/").status_code == 200
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    assert "There is none yet" in browser.get("/accounts/2fa/webauthn/").content.decode()
    assert 'id="mfa_webauthn_add"' in browser.get("/accounts/2fa/webauthn/add/").content.decode()
