"""A new organization signs its people in by its own provider, and its first pipeline asks the gate without a stored secret."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from releasetrain.embedded.fingerprint import ROOT
from tests.access.issuer import Issuer
from tests.exchange.providers import Provider, running
from tests.testbed import provider as canaille

from .people import PASSWORD, Person
from .pipeline import ERROR, FAIL, PASS, Pipeline

SLUG = "second-bank"
DIGEST = "sha256:" + "2b" * 32


@pytest.fixture
def own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider and the issuer stand on this machine, as they would inside a company's network."""
    monkeypatch.setenv("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8,::1/128")


@pytest.fixture
def builds(tmp_path: Path) -> Iterator[Issuer]:
    issuer = Issuer(tmp_path / "issuer")
    yield issuer
    issuer.stop()


@pytest.mark.journey
@pytest.mark.timeout(800)
def test_from_a_new_organization_to_a_gate_that_answers_a_workload(
    own_network: None, browser: Any, live_app: Any, celery_worker: Any, builds: Issuer, tmp_path: Path
) -> None:
    with running(f"{live_app.url}/accounts/sso/callback/") as provider:
        owner = Person(browser, live_app.url, "founder@second-bank.example").sign_up()
        found_the_organization(owner)
        connect_the_provider(owner, provider, live_app)
        ada = Person(browser, live_app.url, "ada@northwind.example")
        sign_in_at_the_provider(ada)
        first_gate(owner)
        trust_the_pipeline(owner, builds)
        passkey_instead_of_password(owner)
    ask_the_gate(builds, live_app.url, tmp_path)
    # The provider's pages are its own affair.
    complaints = [said for said in (*owner.complaints, *ada.complaints) if said.startswith(live_app.url)]
    assert not complaints, complaints


def found_the_organization(owner: Person) -> None:
    owner.open("/organizations/new/")
    owner.page.get_by_label("Name").fill("Second Bank")
    owner.page.get_by_label("Address").fill(SLUG)
    owner.main.get_by_role("button").last.click()
    owner.page.wait_for_url(f"**/o/{SLUG}/")
    owner.root = f"/o/{SLUG}/"


def connect_the_provider(owner: Person, provider: Provider, live_app: Any) -> None:
    """The owner enters what the provider says, proves the domain, and says which group gives which role."""
    place = owner.do(
        "identity-providers/new",
        name="Staff sign-in",
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        vouches=True,
    )
    owner.do(f"{place}do/claim_domain", domain="northwind.example")
    owner.open(place)
    owner.sees("_release-train.northwind.example")
    environment = {**os.environ, **live_app.database.environment()}
    command = [sys.executable, "manage.py", "verify_domain", SLUG, "northwind.example"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    owner.do(f"{place}do/map_group", group="engineering", role="release_manager")
    owner.open(place)
    assert provider.client_secret not in owner.page.content()


def sign_in_at_the_provider(ada: Person) -> None:
    """Somebody who never signed up comes in by the provider, with the role of her group."""
    page = ada.page
    page.goto("/accounts/login/")
    page.get_by_role("link", name=re.compile("[Ss]ingle sign-on")).click()
    page.locator("[name=account]").fill(ada.email)
    page.locator("main button[type=submit]").last.click()
    page.locator("[name=login]").fill("ada")
    page.locator("[name=login]").press("Enter")
    page.locator("[name=password]").fill(canaille.PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"**/o/{SLUG}/")
    ada.root = f"/o/{SLUG}/"
    ada.open("grants/")
    ada.sees("Release manager")


def first_gate(owner: Person) -> None:
    """What the first pipeline needs, through forms alone."""
    owner.do("grants/new", email=owner.email, role="release_manager")
    owner.do("trains/new", key="PAY", name="Payments", cadence_start="2027-01-04", pi_weeks=8)
    owner.do("services/new", name="ledger", train="PAY", tier=3)
    owner.do("environments/new", name="production", kind="production", rank=1)
    owner.do(
        "gates/new", name="Ready", environment="production", train="PAY",
        checks=json.dumps([{"kind": "test-results", "name": "tests", "parameters": {"minimum_tests": 1}, "max_age_hours": 24}]),
    )  # fmt: skip


def trust_the_pipeline(owner: Person, builds: Issuer) -> None:
    """Builds of one repository's main branch act as the service account; nothing secret is handed over."""
    owner.do("service-accounts/new", name="builds")
    owner.do(
        "trust-rules/new", name="Ledger's builds", system="github", service_account="builds", issuer=builds.url,
        conditions="repository=acme/ledger\nref=refs/heads/main",
    )  # fmt: skip


def ask_the_gate(builds: Issuer, base: str, folder: Path) -> None:
    """No result is a fail, a passed report is a pass; a pull request's token is not even heard."""
    pipeline = Pipeline(base, SLUG, "", folder)
    pipeline.download_command()
    audience = f"http://localhost:8000/o/{SLUG}"

    def gate(**claims: Any) -> subprocess.CompletedProcess[str]:
        token = builds.token(aud=audience, **claims)
        command = [
            *(sys.executable, str(pipeline.command), "--workload-identity", "--url", base, "--org", SLUG),
            *("--environment", "production", "--digest", DIGEST, "--wait", "60"),
        ]
        return subprocess.run(
            command,
            check=False,
            env={**os.environ, "RELEASETRAIN_ID_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=120,
        )

    stranger = gate(event_name="pull_request", ref="refs/pull/7/merge")
    assert stranger.returncode == ERROR, stranger
    exchange = urllib.request.Request(
        f"{base}/api/v1/orgs/{SLUG}/workload-identity/exchange",
        headers={"Authorization": f"Bearer {builds.token(aud=audience)}", "Content-Type": "application/json"},
        data=b"{}",
    )
    with urllib.request.urlopen(exchange, timeout=60) as answer:
        pipeline.token = json.loads(answer.read())["access_token"]
    pipeline.post("artifacts/register", service="ledger", version="1.0.0", digest=DIGEST)
    assert gate().returncode in (FAIL, 2)
    report = b'<testsuite name="unit" tests="1"><testcase classname="a" name="b" time="0.1"/></testsuite>'
    pipeline.upload("results/post", {"digest": DIGEST, "kind": "tests", "source": "unit.xml"}, report)
    passed = gate()
    assert passed.returncode == PASS, passed


def passkey_instead_of_password(owner: Person) -> None:
    """A passkey is registered, and the next sign-in needs nothing else."""
    page = owner.page
    wire = owner.context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    page.goto("/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").last.click()
    page.locator("[name=name]").fill("This laptop")
    page.locator("[name=passwordless]").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(lambda url: "webauthn/add" not in url)
    owner.context.clear_cookies()
    page.goto("/accounts/login/")
    page.locator("#passkey_login").click()
    page.wait_for_url(f"**/o/{SLUG}/")
