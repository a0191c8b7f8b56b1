"""What must have happened before the web server starts: schema, static files, demo; each only when needed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from .fingerprint import ROOT, schema_digest, static_digest
from .local_state import LocalState

Say = Callable[[str], None]


class PreparationFailed(RuntimeError):
    """A command that prepares the installation ended with an error, which it has printed."""


def migrate(state: LocalState, environment: Mapping[str, str], say: Say, *, embedded: bool) -> None:
    """Bring the schema up to date as the owner. A database that is not ours alone is always asked."""
    digest = schema_digest()
    if embedded and state.stamp("schema") == digest:
        return
    say("Bringing the database up to date …")
    _manage(environment, "migrate", "--noinput", "--skip-checks", "--verbosity=0")
    if embedded:
        state.set_stamp("schema", digest)


def collect_static(state: LocalState, environment: Mapping[str, str], say: Say) -> None:
    """Copy static files under their hashed names to where WhiteNoise serves them."""
    digest = static_digest()
    if state.stamp("static") == digest and (state.folder / "static").is_dir():
        return
    say("Collecting static files …")
    _manage(environment, "collectstatic", "--noinput", "--clear", "--skip-checks", "--verbosity=0")
    state.set_stamp("static", digest)


def load_demo(state: LocalState, environment: Mapping[str, str], say: Say, *, embedded: bool) -> None:
    """Fill the demo organizations, once per database."""
    target = "embedded" if embedded else hashlib.sha256(environment["DATABASE_URL"].encode()).hexdigest()[:16]
    if state.stamp("demo") == target or not command_exists("load_demo"):
        return
    say("Loading the demo organizations …")
    _manage(environment, "load_demo")
    state.set_stamp("demo", target)


def command_exists(name: str) -> bool:
    """Whether one of our own apps brings this management command."""
    apps = (folder.parent.parent for folder in ROOT.glob("*/management/commands"))
    floors = (folder.parent.parent for folder in (ROOT / "releasetrain").glob("*/management/commands"))
    return any((Path(app) / "management" / "commands" / f"{name}.py").exists() for app in (*apps, *floors))


def demo_logins() -> list[tuple[str, str, str]]:
    """Role, e-mail and password of the demo's cast."""
    if find_spec("releasetrain.accounts.demo_logins") is None:
        return []
    from releasetrain.accounts.demo_logins import DEMO_LOGINS

    return list(DEMO_LOGINS)


def _manage(environment: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments], cwd=ROOT, env=dict(environment), check=False
    )
    if done.returncode:
        raise PreparationFailed(f"`manage.py {arguments[0]}` ended with status {done.returncode}.")
