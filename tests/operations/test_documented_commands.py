"""Commands in the documents: each is run here, or checked against the address it names, or says why it is not run.

With RELEASETRAIN_DOCUMENTED naming a running installation with the demo (its address) and RELEASETRAIN_TOKEN a token of it,
the questions with curl (GET) are put to it as well; they take longer than a test of every day may.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "docs" / "api-quickstart.md"]
DOCUMENTS += [*sorted((ROOT / "docs/operations").glob("*.md")), *sorted((ROOT / "docs/guide").glob("*.md"))]
SHELL = {"", "sh", "bash", "shell"}
# What a block of commands begins with, so that formulas, settings and answers are not taken for one.
PROGRAMS = {
    "curl", "make", "sudo", "python", "python3", "python3.11", "manage.py", "docker", "pip", "git", "export", "eval", "umask",
    "for", "printf", "psql", "unzip", "granian", "celery", ".venv/bin/python", "RELEASETRAIN_FAULTS_SEED=11596858",
}  # fmt: skip
ID = "01900000-0000-7000-8000-000000000000"

# Run below, in this order, on one installation: the text as it stands in the documents.
RUN = (
    "python manage.py backup /backups/2026-11-22",
    "python manage.py verify_ledger",
    "manage.py rebuild_search # every organization",
    "manage.py rebuild_search northwind",
    "manage.py create_organization openstack OpenStack --owner <your e-mail address>",
    "printf '%s:%s' 'engagement letter 2026-10' 0192f3a0-0000-7000-8000-000000000001 | sha256sum",
    "umask 077",
    "for name in SECRET_KEY POSTGRES_PASSWORD DATABASE_OWNER_PASSWORD DATABASE_APP_PASSWORD VALKEY_PASSWORD; do "
    'echo "$name=$(openssl rand -hex 32)"; done > .env',
)
# What is not run by this test, by how it begins, and why; whatever a reason says was run by hand was so on 22 November 2026.
NOT_RUN = {
    "make run": "starts everything: tests/embedded starts and stops each part; run by hand from a fresh clone",
    "make test": "this is it",
    "make lint": "installs and takes minutes; run before each landing",
    "make types": "takes minutes; run by hand",
    "make scorecard": "runs most tests again; run by hand, its document says when",
    "sudo make hosts": "needs root and ten minutes; run by hand",
    "git clone": "the address is a placeholder",
    "docker compose up": "needs a container engine; run by hand with podman and podman-compose, image built from this Dockerfile",
    "docker compose exec": "as above",
    "docker compose run": "as above",
    "python3.11 -m venv": "what requirements/install.sh and the Dockerfile do each time",
    "/opt/releasetrain/venv/bin/pip install": "what requirements/install.sh and the Dockerfile do each time",
    "pip install -r requirements/traces.in": "fetches packages; tests/operations/test_tracing.py has them",
    "granian ": "run by tests/testbed for every journey",
    "celery --app releasetrain.celery worker": "run by tests/testbed for every journey",
    "celery --app releasetrain.celery beat": "run by docker-compose.yml and `make run`",
    "RELEASETRAIN_FAULTS_SEED=": "runs tests/faults, which run each day",
    "psql ": "acts on a replica: tests/hosts does the same by `make hosts`",
    "python manage.py verify_domain": "asks name servers; tests/accounts has them",
    "python manage.py migrate --noinput": "how tests/testbed makes every test's database",
    "python manage.py collectstatic": "how tests/testbed makes every journey's files; the Dockerfile too",
    "python manage.py restore_drill": "tests/operations/test_backup.py",
    "python manage.py restore /backups": "needs a fresh server; tests/operations/test_backup.py",
    "python manage.py migrate trains": "takes data away; tests/structure/test_migrations.py asks every migration for its way back",
    "manage.py import_openstack": "needs recorded data; tests/exchange import it",
    "manage.py import_govuk": "needs recorded data; tests/exchange import it",
    "manage.py import_wikimedia": "needs recorded data; tests/exchange import it",
    "eval ": "needs the tree that `make run` starts; run by hand beside it",
    ".venv/bin/python manage.py": "needs the tree that `make run` starts; run by hand beside it",
    "export ": "only names values",
    "curl -sSO https://release-train.example/release-gate": "tests/governance run the command itself",
    "python3 release-gate": "tests/governance run the command itself",
    "unzip ": "reads what an export made; tests/exchange read it",
}


@dataclass(frozen=True)
class Command:
    document: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Fenced blocks of a shell, and indented ones: number of the first line, lines."""
    fence: str | None = None
    held: list[str] = []
    first = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        mark = re.match(r"\s*```(\w*)", line)
        if mark:
            if fence is not None:
                if fence in SHELL:
                    yield first, held
                fence, held = None, []
                continue
            fence, first, held = mark[1], number + 1, []
        elif fence is not None:
            held.append(line)
        elif line.startswith("    ") and line.strip():
            first = first if held else number
            held.append(line.strip())
        elif held:
            yield first, held
            held = []


def _commands(document: Path) -> Iterator[Command]:
    for first, lines in _blocks(document.read_text()):
        if not lines or not lines[0].split() or lines[0].split()[0] not in PROGRAMS:
            continue
        pending, began = "", first
        for number, line in enumerate(lines, first):
            began = began if pending else number
            pending = f"{pending} {line.strip()}".strip()
            if pending.endswith("\\"):
                pending = pending[:-1].strip()
            elif _whole(pending):
                yield Command(
                    str(document.relative_to(ROOT)),
                    began,
                    re.sub(r"\s+", " ", pending.replace("; do ", "; do ")),
                )
                pending = ""
            elif pending.startswith("for ") and not pending.endswith("; do"):
                pending += ";"
        assert not pending, f"{document}:{began}: this command does not end: {pending}"


def _whole(text: str) -> bool:
    try:
        shlex.split(text.partition(" #")[0])
    except ValueError:
        return False
    return not text.startswith("for ") or "done" in text


COMMANDS = [command for document in DOCUMENTS for command in _commands(document)]
CURLS = [command for command in COMMANDS if "curl " in command.text and "release-gate" not in command.text]


def _reason(text: str) -> str | None:
    return next((reason for begins, reason in NOT_RUN.items() if text.startswith(begins)), None)


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 60
    assert len(CURLS) > 30


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in CURLS], ids=str)
def test_a_command_is_run_or_says_why_not(command: Command) -> None:
    assert (command.text in RUN) != (_reason(command.text) is not None), command.text


def test_every_entry_of_the_lists_is_in_some_document() -> None:
    texts = {command.text for command in COMMANDS}
    assert not [text for text in RUN if text not in texts]
    assert not [begins for begins in NOT_RUN if not any(text.startswith(begins) for text in texts)]


@pytest.mark.timeout(300)
def test_the_commands_of_operators_do_what_they_say(committed_db: Any, cast: Any, tmp_path: Path) -> None:
    """As they stand, in a shell, in the folder of the installation; only places and the name of the owner are ours."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python", "manage.py"):
        script = programs / name
        target = "" if name == "python" else f" {ROOT / 'manage.py'}"
        script.write_text(f'#!/bin/sh\nexec {sys.executable}{target} "$@"\n')
        script.chmod(0o755)
    environment = committed_db.environment() | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "DATABASE_OWNER_URL": committed_db.owner_url,
        "DATABASE_SUPERUSER_URL": committed_db.superuser_url,
        "RELEASETRAIN_VAR": str(tmp_path / "var"),
        "STATIC_ROOT": str(tmp_path / "static"),
    }
    once = dict.fromkeys(text.partition(" # ")[0] for text in RUN)
    for text in once:
        line = text.replace("/backups/2026-11-22", str(tmp_path / "backup")).replace(
            "> .env", f"> {tmp_path}/env"
        )
        line = line.replace("<your e-mail address>", cast.user("owner").email)
        done = subprocess.run(
            ["sh", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stdout[-800:]}{done.stderr[-1500:]}"
    assert len(re.findall(r"^[A-Z_]+=[0-9a-f]{64}$", (tmp_path / "env").read_text(), re.MULTILINE)) == 5
    assert (tmp_path / "backup" / "manifest.json").is_file()


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: str
    body: Any
    fields: set[str]


def _call(text: str) -> Call:
    """What a line with curl sends where."""
    words = shlex.split(text[text.index("curl ") :])[1:]
    method, address, body, fields = "", "", None, set()
    at = iter(words)
    for word in at:
        if word in ("-X", "-sX", "--request"):
            method = next(at)
        elif word in ("-H", "--header"):
            next(at)
        elif word in ("-d", "--data", "--data-binary"):
            body = next(at)
        elif word == "-F":
            fields.add(next(at).partition("=")[0])
        elif not word.startswith("-") and not address:
            address = word
    for name in ("$HOST/api/v1/orgs/$ORG", "$URL/api/v1/orgs/northwind", "$ORG", "$URL", "$ROOT"):
        address = address.replace(name, "/api/v1/orgs/acme", 1) if address.startswith(name) else address
    address = re.sub(r"^https://[\w.<>-]+", "", address).replace("<id>", ID)
    address = re.sub(r"\$[A-Z]+", ID, address)
    path, _, query = address.partition("?")
    return Call(method or ("POST" if body or fields else "GET"), path, query, body, fields)


@pytest.mark.parametrize("command", CURLS, ids=str)
def test_a_call_with_curl_names_an_address_a_method_and_inputs_that_exist(command: Command) -> None:
    assert _reason(command.text) is None, "a call needs no reason: it is looked at here"
    call = _call(command.text)
    view = resolve(urllib.parse.unquote(call.path)).func.view_class
    assert hasattr(view, call.method.lower()), f"{call.path} does not answer {call.method}"
    sent = set(call.fields)
    if call.body and not call.body.startswith("@"):
        answer = json.loads(call.body)
        sent |= set(answer) if isinstance(answer, dict) else set()
    verb = getattr(view, "verb", None)
    if call.method == "POST" and verb is not None and sent:
        parameters = inspect.signature(verb.body).parameters.values()
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            assert sent <= {p.name for p in parameters}, (
                f"{verb.verb} takes no {sent - {p.name for p in parameters}}"
            )


@pytest.mark.skipif("RELEASETRAIN_DOCUMENTED" not in os.environ, reason="asks a running installation")
@pytest.mark.parametrize("command", [c for c in CURLS if _call(c.text).method == "GET"], ids=str)
def test_a_question_with_curl_is_answered(command: Command, tmp_path: Path) -> None:
    """A question is answered, or the example's object is not there: never is the question itself wrong."""
    base, token = os.environ["RELEASETRAIN_DOCUMENTED"], os.environ["RELEASETRAIN_TOKEN"]
    root = f"{base}/api/v1/orgs/northwind"
    of_itself = "/api/v1/orgs/" in command.text
    names = {"TOKEN": token, "HOST": base, "URL": base if of_itself else root, "ID": ID}
    names |= {"ORG": "northwind" if "$HOST" in command.text else root, "ROOT": root}
    line = re.sub(r"https://[\w.<>-]+/api/v1/orgs/(acme|northwind)", root, command.text).replace("<id>", ID)
    done = subprocess.run(
        ["sh", "-c", line.replace("curl ", "curl -sS -w '%{http_code}' ", 1)],
        env=os.environ | names, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    status = done.stdout[-3:]
    missing = status == "404" or (status == "422" and ".unknown" in done.stdout)
    assert status == "200" or missing, done.stdout[-600:] + done.stderr
