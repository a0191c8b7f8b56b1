"""An auditor's way through the product: ask for a package, watch it being built, verify it, take it away."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from releasetrain.audit.verifier import verify as alone
from tests.governance.story import Story
from tests.testbed.cast import PASSWORD, email

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def test_an_auditor_builds_verifies_and_downloads(
    committed_db: Any, celery_worker: Any, cast: Any, page: Any, tmp_path: Path
) -> None:
    story = Story(cast)
    page.goto("/accounts/login/")
    page.fill("input[name=login]", email("auditor", "northwind"))
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.goto(f"/o/northwind/releases/{story.release.key}/")
    page.get_by_role("link", name="Build a package").click()
    dialog = page.locator("dialog[open], main").last
    dialog.get_by_role("button", name="Build a package").click()
    page.wait_for_url("**/evidence/EVP-1/")
    # The page follows the worker by itself.
    page.get_by_text("Sealed.").wait_for(timeout=60_000)
    page.get_by_role("link", name="Verify", exact=True).click()
    dialog = page.locator("dialog[open], main").last
    dialog.get_by_role("button", name="Verify", exact=True).click()
    page.get_by_text("they match the seal of").wait_for()
    with page.expect_download() as taking:
        page.get_by_role("link", name="Download").click()
    package = tmp_path / taking.value.suggested_filename
    taking.value.save_as(package)
    done = subprocess.run(
        [sys.executable, "-I", "-S", alone.__file__, str(package)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    zipfile.ZipFile(package).extractall(tmp_path / "unpacked")
    # The index opens offline, from the disk.
    page.goto((tmp_path / "unpacked" / "index.html").as_uri())
    page.get_by_role("link", name="Instant payments").first.click()
    assert page.locator("article h2").first.inner_text() == "FEAT-1 Instant payments"
