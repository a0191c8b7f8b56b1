"""`manage.py up`: start everything on this machine, say where it is, and stop it all together."""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import environment as address_book
from . import preparation
from .addresses import free_port
from .fingerprint import ROOT
from .local_state import AlreadyRunning, LocalState
from .postgres import start_postgres
from .provisioning import APPLICATION, DATABASE, OWNER, Login, provision
from .servers import ServerDidNotStart
from .supervisor import MemberEnded, StopRequested, Tree
from .valkey import start_valkey

DEFAULT_PORT = 8000
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 # nosec B104 - recognised, never the default


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"), help="address to listen on")
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("PORT"),
        help=f"port to listen on; without it {DEFAULT_PORT}, or a free one when that is taken",
    )
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=_flag("RELEASETRAIN_DEMO"),
        help="load the demo organizations (default: only into the embedded database)",
    )


def main(arguments: Sequence[str]) -> int:
    """Entry without Django, so that a start costs no second for settings it does not read."""
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    add_arguments(parser)
    chosen = parser.parse_args(arguments)
    return up(host=chosen.host, port=chosen.port, demo=chosen.demo)


def up(*, host: str, port: int | None, demo: bool | None) -> int:
    """Run the tree until it is told to stop; the exit status says whether it ended well."""
    started = time.monotonic()
    state = LocalState.from_environment()
    try:
        with state.held():
            _run_tree(state, host=host, port=port, demo=demo, started=started)
    except StopRequested:
        _say("Stopped.")
        return 0
    except AlreadyRunning as error:
        _say(f"Already running from {state.folder}: {error}")
    except (MemberEnded, ServerDidNotStart, preparation.PreparationFailed) as error:
        _say(f"Stopped everything: {error}")
    return 1


def _run_tree(state: LocalState, *, host: str, port: int | None, demo: bool | None, started: float) -> None:
    """Start all, say where, and wait; leaves only by an exception."""
    try:
        with Tree(state.logs, ROOT) as tree:
            environment = _start_servers(tree, state)
            with_demo = _prepare(state, environment, demo)
            address_book.keep(state, environment)
            port = port or free_port(DEFAULT_PORT, host)
            address = f"http://{'localhost' if host in ('127.0.0.1', *EVERYWHERE) else host}:{port}/"
            environment = {"PUBLIC_URL": address, "EMAIL_FILE_PATH": str(state.folder / "mail")} | environment
            counts = {"PROMETHEUS_MULTIPROC_DIR": str(_emptied(state.folder / "prometheus"))}
            tree.start("web", web_command(host, port), {**environment, **counts})
            # Read while the web server starts: this imports a part of Django.
            logins = preparation.demo_logins() if with_demo else []
            tree.wait_for(lambda: _answers(host, port), "The web server")
            # Only now: until the first page is there, the processors belong to the web server.
            quiet = {**environment, "LOG_LEVEL": _loglevel()}
            tree.start("worker", worker_command(), quiet)
            tree.start("beat", beat_command(state.folder), quiet)
            state.announce(f"{address} (process {os.getpid()})")
            _say(_welcome(address, state, logins, time.monotonic() - started))
            tree.watch()
    finally:
        address_book.forget(state)


def _emptied(folder: Path) -> Path:
    """The folder without files of an earlier start."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    return folder


def _start_servers(tree: Tree, state: LocalState) -> dict[str, str]:
    """Start what the environment does not already name; returns the environment for everything else."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "releasetrain.settings",
        "PYTHONUNBUFFERED": "1",
        "RELEASETRAIN_VAR": str(state.folder),
        "SECRET_KEY": os.environ.get("SECRET_KEY") or state.secret_key(),
    }
    if not environment.get("DATABASE_URL"):
        environment |= _embedded_postgres(tree, state)
    if not environment.get("REDIS_URL"):
        password = state.passwords()["valkey"]
        valkey = start_valkey(state.valkey, log_path=tree.log_path("valkey"), password=password)
        tree.adopt("valkey", valkey.process, valkey.stop)
        environment["REDIS_URL"] = valkey.url()
    return environment


def _prepare(state: LocalState, environment: dict[str, str], demo: bool | None) -> bool:
    """Schema, static files, demo; takes the owner's address out of `environment`. True: the demo is there."""
    embedded = not os.environ.get("DATABASE_URL")
    if environment.get("DATABASE_OWNER_URL"):
        preparation.migrate(state, environment, _say, embedded=embedded)
        # From here on nothing needs the owner's rights, so nothing gets its password.
        del environment["DATABASE_OWNER_URL"]
    else:
        _say("DATABASE_OWNER_URL is not set: the schema is taken as it is.")
    preparation.collect_static(state, environment, _say)
    with_demo = embedded if demo is None else demo
    if with_demo:
        preparation.load_demo(state, environment, _say, embedded=embedded)
    return with_demo


def _embedded_postgres(tree: Tree, state: LocalState) -> dict[str, str]:
    passwords = state.passwords()
    data = state.postgres / "data"
    first = not (data / "PG_VERSION").exists()
    postgres = start_postgres(data, log_path=tree.log_path("postgres"), password=passwords["superuser"])
    tree.adopt("postgres", postgres.process, postgres.stop)
    if first or not state.stamp("schema"):
        _say("Creating the database …")
        owner, application = Login(OWNER, passwords["owner"]), Login(APPLICATION, passwords["application"])
        if provision(postgres.superuser_url, database=DATABASE, owner=owner, application=application):
            state.forget_database_stamps()
    return {
        "DATABASE_URL": postgres.url(DATABASE, APPLICATION, passwords["application"]),
        "DATABASE_OWNER_URL": postgres.url(DATABASE, OWNER, passwords["owner"]),
    }


def web_command(host: str, port: int) -> list[str]:
    workers = os.environ.get("WEB_CONCURRENCY") or str(min(4, os.cpu_count() or 1))
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws"),
        *("--host", host, "--port", str(port), "--workers", workers),
        *("--blocking-threads", os.environ.get("WEB_THREADS") or "4"),
        "releasetrain.wsgi:application",
    ]


def worker_command() -> list[str]:
    processes = os.environ.get("WORKER_CONCURRENCY") or "2"
    return [
        # Celery warns root at every start; on one's own machine it can be the only account there is.
        *(sys.executable, "-W", "ignore:You're running the worker with superuser:UserWarning"),
        *("-m", "celery", "--quiet", "--app", "releasetrain.celery", "worker"),
        *("--concurrency", processes, "--loglevel", _loglevel(), "--without-mingle", "--without-gossip"),
    ]


def beat_command(folder: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "--quiet", "--app", "releasetrain.celery", "beat"),
        *("--loglevel", _loglevel(), "--schedule", str(folder / "celerybeat-schedule")),
    ]


def _loglevel() -> str:
    """Worker and scheduler tick every few seconds; saying so would push the logins off the screen."""
    return os.environ.get("LOG_LEVEL") or "WARNING"


def _answers(host: str, port: int) -> bool:
    """Whether a page comes back that is not a server error."""
    target = "127.0.0.1" if host in EVERYWHERE else host
    connection = http.client.HTTPConnection(target, port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _welcome(address: str, state: LocalState, logins: Sequence[tuple[str, str, str]], seconds: float) -> str:
    lines = ["", f"Release Train is running (ready after {seconds:.1f} s):", "", f"    {address}", ""]
    if logins:
        width = max(len(role) for role, _, _ in logins)
        reach = max(len(email) for _, email, _ in logins)
        lines += ["Sign in as one of the demo's people:", ""]
        lines += [f"    {role:<{width}}  {email:<{reach}}  {password}" for role, email, password in logins]
        lines.append("")
    return "\n".join([*lines, f"Logs are in {state.logs}/. Ctrl-C stops everything.", ""])


def _say(text: str) -> None:
    print(text, flush=True)


def _flag(name: str) -> bool | None:
    value = os.environ.get(name, "").strip().lower()
    return None if not value else value in ("1", "true", "yes", "on")
