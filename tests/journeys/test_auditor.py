"""An external auditor's way: from the invitation to the desk, a population, a sample, and a package verified alone."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from releasetrain.audit.verifier import verify as alone
from releasetrain.kernel.clock import now
from tests.governance.story import Story
from tests.testbed.cast import PASSWORD

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def test_from_the_invitation_to_a_verified_package(
    committed_db: Any, celery_worker: Any, cast: Any, web: Any, page: Any, tmp_path: Path
) -> None:
    from governance.actions import auditing, auditors
    from governance.models import AuditPopulation
    from trains.actions.deployments import record_deployment

    story = Story(cast)
    with story.scope("service_account") as pipeline:
        record_deployment(
            pipeline,
            service=story.service,
            environment=story.production,
            version="5.1.0",
            status="succeeded",
            started_at=now() - timedelta(hours=26),
            finished_at=now() - timedelta(hours=25),
            source="ci",
            external_id="yesterday",
        )
    with story.scope("owner") as owner:
        access = auditors.invite_auditor(
            owner,
            email="ada@firm.example",
            firm="Firm & Co",
            purpose="SOX 2026",
            ends_at=now() + timedelta(days=30),
        )
    invitation = web("owner").get(f"/o/northwind/auditor-accesses/{access.key}/").content.decode()
    page.goto(re.search(r"/auditor-invitation/[\w:.-]+", invitation)[0])
    page.get_by_role("link", name="Create an account").click()
    page.fill("input[name=email]", "ada@firm.example")
    page.fill("input[name=password1]", PASSWORD)
    page.click("main button[type=submit]")
    page.get_by_role("button", name="Accept the invitation").click()
    page.get_by_role("heading", name="Auditors' desk").wait_for()
    assert page.get_by_text("What you open is recorded.").is_visible()

    # A population of the last month; somebody else explains what does not match.
    page.goto("/o/northwind/audit-populations/do/open")
    page.select_option("select[name=kind]", "deployments")
    page.fill("input[name=starts]", f"{now() - timedelta(days=30):%Y-%m-%dT%H:%M}")
    page.fill("input[name=ends]", f"{now() - timedelta(hours=20):%Y-%m-%dT%H:%M}")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/audit-populations/POP-1/")
    with story.scope("auditor"):
        population = AuditPopulation.objects.get()
        kinds = list(population.gaps.values_list("kind", flat=True).distinct().order_by())
    for kind in kinds:
        with story.scope("compliance_officer") as officer:
            auditing.explain_gaps(officer, population, kind=kind, explanation="Known.")
    page.goto("/o/northwind/audit-populations/POP-1/do/freeze")
    page.locator("main form button[type=submit]").last.click()
    page.get_by_text("Frozen.", exact=True).wait_for()
    page.get_by_role("link", name="Draw a sample").click()
    dialog = page.locator("dialog[open], main").last
    dialog.locator("input[name=seed]").fill("letter of 12 May")
    dialog.locator("button[type=submit]").last.click()
    page.wait_for_url("**/audit-samples/SMP-1/")
    page.locator("ul.rows a").first.click()
    page.get_by_text("Chain of evidence").wait_for()
    page.get_by_role("link", name="Conclude").click()
    dialog = page.locator("dialog[open], main").last
    dialog.locator("[name=conclusion]").first.select_option("pass")
    dialog.locator("button[type=submit]").last.click()
    page.get_by_text("as it was when concluded").wait_for()

    # The package of the sample, followed while it is built, taken away and verified without the product.
    page.goto("/o/northwind/audit-samples/SMP-1/do/build_evidence")
    page.locator("main form button[type=submit]").last.click()
    page.wait_for_url("**/evidence/EVP-1/")
    page.get_by_text("Sealed.").wait_for(timeout=60_000)
    with page.expect_download() as taking:
        page.get_by_role("link", name="Download").click()
    package, keys = tmp_path / "package.zip", tmp_path / "keys.pem"
    taking.value.save_as(package)
    with page.expect_download() as taking:
        page.get_by_role("link", name="Public keys").click()
    taking.value.save_as(keys)
    done = subprocess.run(
        [sys.executable, "-I", "-S", alone.__file__, str(package), "--key", str(keys)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(package) as archive:
        assert b"AUD-1: this copy was handed to ada of Firm & Co" in archive.comment
