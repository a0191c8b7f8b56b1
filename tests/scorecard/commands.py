"""Rows that no test answers: checks of the settings, of the code, of dependencies; the upgrade; the load."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from releasetrain.embedded.fingerprint import ROOT

HELD, IN_PART, FAILED, NOT_RUN = "held", "held in part", "**failed**", "not run"
PACKAGES = ("releasetrain", "trains", "governance", "planning", "problems", "reviews", "metrics")
# Assertions narrow types and guard nothing; programs are started from lists of arguments, never through a shell.
ASSERTIONS = "S101,S603"
AUDITOR = "pip-audit==2.10.1"
PACKAGED = "safety-db==2021.7.17"


@dataclass(frozen=True)
class Outcome:
    verdict: str
    figure: str


@dataclass(frozen=True)
class Choices:
    """How much of the long rows is run."""

    release: str = ""
    seconds: float = 600.0
    pipelines: int = 50
    people: int = 200


def check_deploy(_: Choices) -> Outcome:
    """With the settings that docs/operations/deployment.md tells to set."""
    environment = os.environ | {
        "SECRET_KEY": "9Zp4vM2xQ7sK1tR8wY3uE6iO0aS5dF9gH2jL4zX7cV1bN8mQ3wE",
        "HTTPS": "true",
        "ALLOWED_HOSTS": "release.example",
        "RELEASETRAIN_DEBUG": "false",
        "DJANGO_SETTINGS_MODULE": "releasetrain.settings",
    }
    done = _run(
        [sys.executable, "manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING"],
        environment,
    )
    said = (done.stdout + done.stderr).strip().splitlines()
    return Outcome(HELD if done.returncode == 0 else FAILED, said[-1] if said else "")


def static(_: Choices) -> Outcome:
    bandit = _run([".venv/bin/bandit", "--quiet", "--recursive", "--configfile", "pyproject.toml", *PACKAGES])
    ruff = _run([".venv/bin/ruff", "check", "--select", "S", "--ignore", ASSERTIONS, *PACKAGES])
    explained = sum(
        len(re.findall(r"# nosec|noqa: [A-Z0-9, ]*\bS\d", file.read_text()))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
    )
    found = [name for name, done in (("bandit", bandit), ("ruff S", ruff)) if done.returncode]
    figure = f"{explained} places explained in the code" + (
        f"; {' and '.join(found)} complain" if found else ""
    )
    return Outcome(FAILED if found else HELD, figure)


def audit_dependencies(_: Choices) -> Outcome:
    command = [
        ".venv/bin/uv",
        "tool",
        "run",
        AUDITOR,
        "--disable-pip",
        "--require-hashes",
        "-r",
        "requirements/run.txt",
    ]
    done = _run(command)
    said = done.stdout + done.stderr
    unknown, locked = said.count("could not be audited"), len(re.findall(r"(?m)^[a-z0-9._-]+==", _lock()))
    if unknown or done.returncode not in (0, 1):
        return _by_the_packaged_database(unknown, locked)
    known = len(re.findall(r"(?:PYSEC|GHSA|CVE)-\S+", said))
    return Outcome(
        HELD if done.returncode == 0 else FAILED, f"{locked} packages, {known} known vulnerabilities"
    )


def _by_the_packaged_database(unknown: int, locked: int) -> Outcome:
    """Without a feed: the last database that came as a package. It is old, and the row says how old."""
    away = f"no feed of advisories reachable from here ({unknown} of {locked} packages not audited by it)"
    done = _run(
        [".venv/bin/uv", "run", "--no-project", "--with", PACKAGED, "--with", "packaging", "python",
         "tests/scorecard/advisories.py", "requirements/run.txt"]
    )  # fmt: skip
    if done.returncode:
        return Outcome(NOT_RUN, away)
    told = json.loads(done.stdout)
    figure = (
        f"{away}; {PACKAGED}, which ends on {told['until']}, names {told['known']} of them and has"
        f" {len(told['against'])} advisories against the locked versions: nothing younger is covered,"
        " nor are the vendored scripts and the system packages of the image"
    )
    return Outcome(FAILED if told["against"] else IN_PART, figure)


def upgrade(choices: Choices) -> Outcome:
    if not choices.release:
        return Outcome(
            NOT_RUN,
            "say from which release: make scorecard arguments='--from <tag>' (as root, see make hosts)",
        )
    command = [
        sys.executable,
        "-m",
        "tests.hosts",
        "--only",
        "upgrade",
        "--from",
        choices.release,
        "--between",
        "5",
    ]
    done = _run(command)
    if done.returncode == 2:
        return Outcome(
            NOT_RUN, done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "see make hosts"
        )
    lines = {
        found[1]: found[2]
        for found in re.finditer(
            r"(?m)^  (longest wait for a lock|lost beyond retries|requests)  +(.*)$", done.stdout
        )
    }
    figure = ", ".join(f"{name}: {value}" for name, value in lines.items())
    return Outcome(HELD if done.returncode == 0 else FAILED, f"from {choices.release}; {figure}")


def load(choices: Choices) -> Outcome:
    command = [
        *(sys.executable, "-m", "tests.scorecard.load", "--seconds", str(choices.seconds)),
        *("--pipelines", str(choices.pipelines), "--people", str(choices.people)),
    ]
    done = _run(command)
    last = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return Outcome(
        HELD if done.returncode == 0 else FAILED, last[-1] if last else f"status {done.returncode}"
    )


def _lock() -> str:
    return Path(ROOT / "requirements" / "run.txt").read_text()


def _run(command: list[str], environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
