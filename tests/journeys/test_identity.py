"""From a new organization to the first sign-in by its own provider, and a passkey for its owner, in a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from releasetrain.embedded.fingerprint import ROOT
from tests.exchange.providers import running
from tests.testbed import provider as canaille

SECRET = "a long way from plan to proof"


@pytest.fixture
def own_network(monkeypatch):
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128")


@pytest.fixture
def at(own_network, browser, live_app):
    contexts = []

    def visitor():
        contexts.append(browser.new_context(base_url=live_app.url, viewport={"width": 1440, "height": 900}))
        contexts[-1].set_default_timeout(20_000)
        return contexts[-1].new_page()

    yield visitor
    for each in contexts:
        each.close()


def act(page, path, **filled):
    page.goto(path)
    form = page.locator("main form.form, main form").last
    for name, value in filled.items():
        field = form.locator(f"[name={name}]")
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(value)
        elif isinstance(value, bool):
            field.set_checked(value)
        else:
            field.fill(value)
    form.locator("button[type=submit]").last.click()
    page.wait_for_load_state()


@pytest.mark.journey
def test_a_new_organization_signs_its_people_in_by_its_own_provider(at, live_app):
    with running(f"{live_app.url}/accounts/sso/callback/") as provider:
        owner = at()
        owner.goto("/accounts/signup/")
        owner.fill("[name=email]", "founder@northwind-two.example")
        owner.fill("[name=password1]", SECRET)
        owner.click("main button[type=submit]")
        owner.wait_for_url("**/")
        act(owner, "/organizations/new/", name="Second Bank", slug="second-bank")
        root = "/o/second-bank"
        act(
            owner, f"{root}/identity-providers/new", name="Staff sign-in", issuer=provider.issuer,
            client_id=provider.client_id, client_secret=provider.client_secret, vouches=True,
        )  # fmt: skip
        expect(owner.locator("h1")).to_have_text("Staff sign-in")
        place = owner.url.removeprefix(live_app.url).rstrip("/")
        act(owner, f"{place}/do/claim_domain", domain="northwind.example")
        expect(owner.locator("main")).to_contain_text("_release-train.northwind.example")
        environment = {**os.environ, **live_app.database.environment()}
        command = [sys.executable, "manage.py", "verify_domain", "second-bank", "northwind.example"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        act(owner, f"{place}/do/map_group", group="engineering", role="release_manager")
        owner.goto(place)
        expect(owner.locator("main")).to_contain_text("Verified")

        ada = at()
        ada.goto("/accounts/login/")
        ada.get_by_role("link", name=re.compile("Single sign-on")).click()
        ada.fill("[name=account]", "ada@northwind.example")
        ada.click("main button[type=submit]")
        ada.fill("[name=login]", "ada")
        ada.click("button[type=submit] >> nth=0")
        ada.fill("[name=password]", canaille.PASSWORD)
        ada.keyboard.press("Enter")
        ada.wait_for_url(f"**{root}/")
        ada.goto(f"{root}/settings/")
        expect(ada.locator("main")).to_contain_text("Ada Lovelace")
        expect(ada.locator("main")).to_contain_text("Release manager")

        wire = owner.context.new_cdp_session(owner)
        wire.send("WebAuthn.enable")
        wire.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                    "isUserVerified": True, "automaticPresenceSimulation": True,
                }
            },
        )  # fmt: skip
        owner.goto("/accounts/2fa/webauthn/add/")
        if "reauthenticate" in owner.url:
            owner.fill("[name=password]", SECRET)
            owner.click("main button[type=submit]")
        owner.fill("[name=name]", "This laptop")
        owner.check("[name=passwordless]")
        owner.click("#mfa_webauthn_add")
        owner.wait_for_url(lambda url: "webauthn/add" not in url)
        owner.context.clear_cookies()
        owner.goto("/accounts/login/")
        owner.click("#passkey_login")
        owner.wait_for_url(f"**{root}/")
