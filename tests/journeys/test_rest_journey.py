"""The main job once more, with curl and nothing else: the shell script that a reader can run against their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.testbed.cast import email

if TYPE_CHECKING:
    from tests.testbed.processes import LiveApp, Process

SCRIPT = Path(__file__).with_name("rest_journey.sh")
TOKENS = {
    "RTE": "rte",
    "PRODUCT": "product_manager",
    "LEAD": "technical_lead",
    "MANAGER": "release_manager",
    "CHAIR": "change_manager",
    "CAB1": "cab_member",
    "CAB2": "second_cab_member",
    "CAB3": "third_cab_member",
    "PROBLEM": "problem_manager",
    "COMPLIANCE": "compliance_officer",
    "PIPELINE": "service_account",
}


@pytest.mark.journey
@pytest.mark.timeout(600)
@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="needs bash and curl")
def test_the_main_job_with_curl_alone(
    live_app: LiveApp, celery_worker: Process, token: Callable[..., str], tmp_path: Path
) -> None:
    said = {name: token(role) for name, role in TOKENS.items()}
    said |= {f"{name}_EMAIL": email(TOKENS[name], "northwind") for name in ("CAB1", "CAB2", "CAB3")}
    said |= {"HOST": live_app.url, "ORG": "northwind", "OWNER_EMAIL": email("developer", "northwind")}
    done = subprocess.run(
        [SCRIPT, tmp_path / "files"],
        env={"PATH": os.environ["PATH"], **said},
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "== all of it went as it should" in done.stdout
