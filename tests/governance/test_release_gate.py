"""The release-gate command: exit codes against a real server and against servers that misbehave."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.governance.gateway import digest_of, junit

FILE = Path(__file__).resolve().parents[2] / "governance" / "cli" / "release_gate.py"
DIGEST = digest_of("1.0.0")
TOKEN = "rtk_" + "a" * 12 + "_" + "b" * 32 + "00000000"


def run(*arguments: str, token: str = TOKEN, timeout: float = 110) -> subprocess.CompletedProcess[str]:
    """In a bare interpreter: no site packages, no environment of ours."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(FILE), *arguments],
        env={"PATH": os.environ["PATH"], "RELEASETRAIN_TOKEN": token}
        if token
        else {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def asked(url: str, *more: str) -> tuple[str, ...]:
    return ("--url", url, "--org", "northwind", "--environment", "production", "--digest", DIGEST, *more)


@pytest.fixture
def server() -> Iterator[Callable[..., str]]:
    """`server(handler)` — a local server; handler(method, path, number) gives (status, headers, body)."""
    running = []

    def start(answer: Callable[..., tuple[int, dict[str, str], bytes]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            count = 0

            def _respond(self) -> None:
                Handler.count += 1
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = answer(self.command, self.path, Handler.count)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _respond  # noqa: N815 - the standard library looks for these names

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        running.append(listening)
        return f"http://127.0.0.1:{listening.server_address[1]}"

    yield start
    for each in running:
        each.shutdown()
        each.server_close()


def answer(verdict: Any = "pass", **more: Any) -> bytes:
    return json.dumps({"verdict": verdict, "artifact": DIGEST, "checks": [], "gates": [], **more}).encode()


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 1), ("pending", 2), ("error", 3)])
def test_the_exit_code_is_the_verdict(server: Any, verdict: str, code: int) -> None:
    check = {"name": "unit-tests", "verdict": verdict, "reason": "3 of 4 passed", "remedy": "Fix t4"}
    done = run(*asked(server(lambda *_: (200, {}, answer(verdict, checks=[check]))), "--wait", "0"))
    assert done.returncode == code, done.stderr
    assert f"verdict   {verdict.upper()}" in done.stdout
    assert "3 of 4 passed" in done.stdout
    assert ("to pass: Fix t4" in done.stdout) is (verdict != "pass")


@pytest.mark.parametrize(
    "respond",
    [
        lambda *_: (200, {}, b"not json"),
        lambda *_: (200, {}, b"[]"),
        lambda *_: (200, {}, b'"pass"'),
        lambda *_: (200, {}, b'{"checks": []}'),
        lambda *_: (200, {}, answer("PASS")),
        lambda *_: (200, {}, answer(True)),
        lambda *_: (200, {}, answer(checks=None)),
        lambda *_: (200, {}, answer(artifact="sha256:other")),
        lambda *_: (200, {}, b'{"verdict": "pass"'),
        lambda *_: (201, {}, answer()),
        lambda *_: (204, {}, b""),
        lambda *_: (301, {"Location": "https://elsewhere.invalid/"}, answer()),
        lambda *_: (302, {"Location": "/elsewhere"}, answer()),
        lambda *_: (401, {}, answer()),
        lambda *_: (403, {}, json.dumps({"detail": "You need the permission gates.ask there."}).encode()),
        lambda *_: (404, {}, answer()),
        lambda *_: (500, {"Retry-After": "0"}, answer()),
        lambda *_: (503, {"Retry-After": "0"}, b"<html>"),
        lambda *_: (202, {"Location": "https://elsewhere.invalid/x"}, answer()),
    ],
)
def test_whatever_is_no_clean_answer_is_an_error(server: Any, respond: Any) -> None:
    done = run(*asked(server(respond), "--wait", "2"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.startswith("error")


def test_a_server_that_is_away_or_lies_about_its_length_is_an_error(server: Any) -> None:
    assert run(*asked("http://127.0.0.1:9", "--wait", "1")).returncode == 3


def test_work_under_way_past_its_time_is_pending(server: Any) -> None:
    def respond(method: str, path: str, number: int) -> tuple[int, dict[str, str], bytes]:
        if method == "POST":
            return (
                202,
                {"Location": "/api/v1/orgs/northwind/evaluations/EVAL-1", "Retry-After": "0"},
                answer("pending"),
            )
        return 200, {"Retry-After": "0"}, json.dumps({"state": "queued", "verdict": "pending"}).encode()

    assert run(*asked(server(respond), "--wait", "1")).returncode == 2


def test_a_pass_without_a_settled_status_is_pending(server: Any) -> None:
    accepted = 202, {"Location": "/api/v1/orgs/northwind/evaluations/EVAL-1"}, answer("pass")
    assert run(*asked(server(lambda *_: accepted), "--wait", "0")).returncode == 2


def test_a_polled_pass_is_asked_for_again_before_it_counts(server: Any) -> None:
    """What was polled may be outdated already: only a 200 to the question itself is a verdict."""

    def respond(method: str, path: str, number: int) -> tuple[int, dict[str, str], bytes]:
        if method == "GET":
            return 200, {}, answer("pass", state="done")
        return (
            (202, {"Location": "/api/v1/orgs/northwind/evaluations/EVAL-1"}, b"{}")
            if number == 1
            else (200, {}, answer("fail"))
        )

    assert run(*asked(server(respond), "--wait", "5")).returncode == 1


def test_a_busy_server_is_asked_again(server: Any) -> None:
    def respond(method: str, path: str, number: int) -> tuple[int, dict[str, str], bytes]:
        return (503, {"Retry-After": "0.1"}, b"") if number < 3 else (200, {}, answer())

    assert run(*asked(server(respond), "--wait", "20")).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--url", "http://localhost", "--org", "o"),
        ("--url", "http://localhost", "--org", "o", "--environment", "p"),
        ("--url", "http://localhost", "--org", "o", "--environment", "p", "--digest", "d", "--release", "r"),
        (
            "--url",
            "http://localhost",
            "--org",
            "o",
            "--environment",
            "p",
            "--release",
            "r",
            "--post",
            "x.xml",
        ),
        ("--url", "http://localhost", "--org", "o", "--environment", "p", "--digest", "d", "--wait", "nan"),
        ("--url", "ftp://localhost", "--org", "o", "--environment", "p", "--digest", "d"),
        ("--url", "http://releases.example", "--org", "o", "--environment", "p", "--digest", "d"),
        (
            "--url",
            "http://localhost:1",
            "--org",
            "o",
            "--environment",
            "p",
            "--digest",
            "d",
            "--wait",
            "1",
            "--post",
            "/nowhere",
        ),
        ("--nonsense",),
    ],
)
def test_wrong_usage_is_an_error_not_pending(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).returncode == 3


def test_a_missing_token_is_an_error() -> None:
    assert run(*asked("http://localhost:1"), token="").returncode == 3


def test_it_needs_the_standard_library_only() -> None:
    tree = ast.parse(FILE.read_text())
    names = {
        n.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for n in node.names
    }
    names |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


@pytest.mark.django_db
def test_the_installation_serves_it(client: Any) -> None:
    response = client.get("/release-gate")
    assert response.status_code == 200
    assert response.content == FILE.read_bytes()
    assert response["Content-Disposition"].startswith("attachment")


@pytest.mark.timeout(300)
def test_from_posting_to_the_verdict_on_the_real_product(
    committed_db: Any, live_app: Any, celery_worker: Any, gateway: Any, token: Any, tmp_path: Path
) -> None:
    report = tmp_path / "junit.xml"
    report.write_bytes(junit(3))
    secret = token("service_account")
    first = run(
        *asked(live_app.url, "--service", "ledger", "--version", "1.0.0", "--post", str(report)), token=secret
    )
    assert first.returncode == 0, first.stdout + first.stderr
    assert "3 of 3 tests passed" in first.stdout
    report.write_bytes(junit(2, 1))
    again = run(*asked(live_app.url, "--post", str(report)), token=secret)
    assert again.returncode == 1, again.stdout + again.stderr
    assert "to pass: Fix the failing tests" in again.stdout
    nothing = run(*asked(live_app.url)[:-1], digest_of("never built"), token=secret)
    assert nothing.returncode == 3
    assert "No artifact with this digest" in nothing.stderr
