#!/usr/bin/env python3
"""release-gate: post results, ask whether a build or a release may enter an environment, and say so by exit code.

    release-gate --url https://releases.example --org acme --environment production --digest sha256:… \\
                 --service ledger --version 5.2.0 --post junit.xml coverage.xml bandit.sarif bom.json

The token comes from the variable RELEASETRAIN_TOKEN (or --token); with --workload-identity from the job's own ID token
(GitHub Actions with `id-token: write`, GitLab CI with an id_token RELEASETRAIN_ID_TOKEN): no secret is stored. Exit codes:

    0  pass       every gate in the way passes
    1  fail       a gate says no; reasons and remedies are printed
    2  pending    something is still missing when the time (--wait) is up
    3  error      network, sign-in, a bad question, an answer that cannot be understood, a check in error

Only 0 lets anything through. One file, Python 3.8 or later, nothing to install.
"""

from __future__ import annotations

import argparse
import json
import mimetypes
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    JSON = dict[str, Any]

T = TypeVar("T")

PASS, FAIL, PENDING, ERROR = 0, 1, 2, 3
VERDICTS = {"pass": PASS, "fail": FAIL, "pending": PENDING, "error": ERROR}
LONGEST_POLL = 30
LONGEST_ANSWER = 32 * 1024 * 1024
TRIES = 4


class Trouble(Exception):
    """Why there is no verdict."""


class Busy(Exception):
    """The server asks to come back later."""

    def __init__(self, seconds: float, sentence: str) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token is never sent on to somewhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Installation:
    """One organization of one installation, over REST."""

    def __init__(self, url: str, org: str, token: str) -> None:
        parts = urllib.parse.urlsplit(url if "//" in url else "https://" + url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Trouble("--url must be an http(s) address.")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise Trouble(
                "The token would travel in the clear: use https (plain http is for this machine only)."
            )
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.root = "{}{}/api/v1/orgs/{}".format(
            self.origin,
            parts.path.rstrip("/"),
            urllib.parse.quote(org, safe=""),
        )
        self.token = token
        self.opener = urllib.request.build_opener(NoRedirects)

    def address(self, location: str) -> str:
        """An address the server named; only its own origin is followed."""
        address = urllib.parse.urljoin(self.root + "/", location)
        if not address.startswith(self.origin + "/"):
            raise Trouble(f"The server names an address elsewhere: {location}")
        return address

    def ask(
        self,
        method: str,
        address: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        timeout: float = 60,
    ) -> tuple[int, Message, JSON]:
        """(status, headers, JSON) of one request. Raises Busy for what may pass by waiting, Trouble for the rest."""
        headers = {
            "Authorization": "Bearer " + self.token,
            "Accept": "application/json",
            "User-Agent": "release-gate/1",
        }
        if body is not None:
            headers["Content-Type"] = content_type
        request = urllib.request.Request(address, data=body, headers=headers, method=method)  # noqa: S310 - http and https only, see __init__
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                return answer.status, answer.headers, understood(answer.read(LONGEST_ANSWER + 1))
        except urllib.error.HTTPError as error:
            sentence = f"{error.code}: {said(error)}"
            if error.code == 429 or error.code >= 500:
                raise Busy(seconds_of(error.headers.get("Retry-After"), 2), sentence) from error
            raise Trouble(sentence) from error
        except OSError as error:
            raise Busy(2, "No connection: {}".format(getattr(error, "reason", error))) from error
        except ValueError as error:
            raise Trouble(f"The answer cannot be understood: {error}") from error


def id_token(audience: str) -> str:
    """The ID token of this job: GitLab puts it into a variable, GitHub gives it when asked."""
    given = os.environ.get("RELEASETRAIN_ID_TOKEN", "").strip()
    if given:
        return given
    address, permit = (os.environ.get("ACTIONS_ID_TOKEN_REQUEST_" + n, "") for n in ("URL", "TOKEN"))
    if not address.startswith("https://") and not address.startswith("http://127.0.0.1:"):
        raise Trouble(
            "This job has no ID token: GitHub Actions needs the permission id-token: write, GitLab CI an id_token"
            " named RELEASETRAIN_ID_TOKEN."
        )
    if not audience:
        raise Trouble("--audience or RELEASETRAIN_AUDIENCE is missing: the page Workload identity names it.")
    address += ("&" if "?" in address else "?") + urllib.parse.urlencode({"audience": audience})
    request = urllib.request.Request(address, headers={"Authorization": "Bearer " + permit})  # noqa: S310 - checked above
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=30) as answer:
            return str(understood(answer.read(65_536))["value"])
    except (OSError, ValueError, KeyError) as error:
        raise Trouble(f"GitHub gives no ID token: {type(error).__name__}") from error


def admitted(url: str, org: str, audience: str, clock: Clock) -> Installation:
    """The organization, entered with a short access for the job's ID token."""

    def exchange() -> JSON:
        # Each try with a token of its own where the CI system gives one: an ID token opens one access only.
        asking = Installation(url, org, id_token(audience))
        return asking.ask("POST", asking.root + "/workload-identity/exchange", b"{}")[2]

    answer = patiently(clock, exchange)
    if not isinstance(answer.get("access_token"), str):
        raise Trouble("The exchange of the ID token gave no access.")
    return Installation(url, org, answer["access_token"])


def understood(body: bytes) -> JSON:
    """The JSON object of an answer."""
    if len(body) > LONGEST_ANSWER:
        raise ValueError("it is too long")
    value = json.loads(body.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return value


def said(error: urllib.error.HTTPError) -> str:
    """What a problem document says, or the bare reason."""
    try:
        problem = understood(error.read(1 << 20))
        words = [str(problem.get(name, "")) for name in ("detail", "remedy")]
        words += [str(e.get("detail", "")) for e in problem.get("errors", []) if isinstance(e, dict)]
        return " ".join(dict.fromkeys(w for w in words if w)) or str(error.reason)
    except (ValueError, OSError, TypeError, AttributeError):
        return str(error.reason)


def seconds_of(text: str | None, otherwise: float) -> float:
    try:
        return max(0.0, min(float(text or ""), 120.0))
    except (TypeError, ValueError):
        return otherwise


class Clock:
    """The time that is left."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self.end - time.monotonic())

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, self.left))


def patiently(clock: Clock, act: Callable[[], T]) -> T:
    """Do it again when the server is busy or away, a few times and not past the end."""
    for attempt in range(TRIES):
        try:
            return act()
        except Busy as busy:
            if attempt == TRIES - 1 or clock.left <= 0:
                raise Trouble(str(busy)) from busy
            clock.sleep(busy.seconds * (attempt + 1))
    raise Trouble("Too many tries.")


def multipart(fields: dict[str, str], path: str) -> tuple[bytes, str]:
    """The body of one upload."""
    boundary = uuid.uuid4().hex
    name = one_line(Path(path).name).replace('"', "_")
    content = Path(path).read_bytes()
    out = []
    for key, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n'
        out.append((head + one_line(value) + "\r\n").encode())
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    out += [(head + f"Content-Type: {kind}\r\n\r\n").encode(), content, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(out), "multipart/form-data; boundary=" + boundary


def post_results(there: Installation, clock: Clock, options: argparse.Namespace) -> None:
    """Post every file. Each is its own stream, so that several reports of one kind stand side by side."""
    for path in options.post:
        fields = {"digest": options.digest, "source": Path(path).name[:120]}
        for name in ("service", "version", "commit", "run_url"):
            if getattr(options, name):
                fields[name] = getattr(options, name)
        try:
            body, kind = multipart(fields, path)
        except OSError as error:
            raise Trouble(f"Cannot read {path}: {error.strerror}") from error
        try:
            patiently(
                clock, partial(there.ask, "POST", there.root + "/results/post", body, kind, timeout=300)
            )
        except Trouble as trouble:
            raise Trouble(f"{path} was not taken. {trouble}") from trouble
        print(f"posted    {path}", file=sys.stderr)


def verdict(there: Installation, clock: Clock, options: argparse.Namespace) -> JSON:
    """The settled answer, or the last one when the time is up."""
    question = {
        n: getattr(options, n) for n in ("environment", "gate", "release", "digest") if getattr(options, n)
    }
    body = json.dumps(question).encode("utf-8")
    while True:
        status, headers, answer = patiently(
            clock, lambda: there.ask("POST", there.root + "/gates/evaluate", body)
        )
        if status == 200:
            check_answer(answer, options)
            if answer["verdict"] != "pending" or clock.left <= 0:
                return answer
            clock.sleep(5)
        elif status == 202:
            if clock.left <= 0:
                return {**answer, "verdict": "pending"}
            wait_for(there, clock, headers.get("Location") or "")
        else:
            raise Trouble(f"The server answers {status}.")


def wait_for(there: Installation, clock: Clock, location: str) -> None:
    """Wait until the evaluation is settled. What counts is then asked for again: only that is known to stand."""
    if not location:
        clock.sleep(1)
        return
    seconds = max(1, min(LONGEST_POLL, int(clock.left)))
    address = f"{there.address(location)}?wait={seconds}"
    started = time.monotonic()
    _, headers, answer = patiently(clock, lambda: there.ask("GET", address, timeout=seconds + 30))
    if answer.get("state") not in ("done", "dead") and time.monotonic() - started < 1:
        clock.sleep(seconds_of(headers.get("Retry-After"), 1))


def check_answer(answer: JSON, options: argparse.Namespace) -> None:
    """A verdict that is none, or that is about something else, is an error and never a pass."""
    if answer.get("verdict") not in VERDICTS:
        raise Trouble("The answer has no verdict.")
    if options.digest and answer.get("artifact") != options.digest:
        raise Trouble("The answer is about another artifact.")
    if options.release and not answer.get("release"):
        raise Trouble("The answer is about no release.")
    checks = answer.get("checks")
    if not isinstance(checks, list) or not all(isinstance(c, dict) for c in checks):
        raise Trouble("The answer lists no checks.")


def show(answer: JSON, out: Any) -> None:
    """The answer as a table, with what stands in the way explained."""
    checks = answer.get("checks") or []
    width = max([len(str(c.get("name", ""))) for c in checks] + [5])
    for check in checks:
        word = str(check.get("verdict", "?"))
        print(f"{word:<8}  {check.get('name', ''):<{width}}  {one_line(check.get('reason'))}", file=out)
        if word not in ("pass", "waived") and check.get("remedy"):
            print(f"{'':{width + 12}}to pass: {one_line(check['remedy'])}", file=out)
    for gate in answer.get("gates") or []:
        if isinstance(gate, dict):
            note = " (advisory)" if gate.get("advisory") else ""
            words = (gate.get("gate"), gate.get("name"), gate.get("version"), gate.get("verdict"), note)
            print("gate      {} {}, version {}: {}{}".format(*words), file=out)
            if gate.get("error"):
                print(f"          {one_line(gate['error'])}", file=out)
    what = answer.get("release") or answer.get("artifact") or "the evaluation"
    where = answer.get("environment") or "its environment"
    print(f"verdict   {answer['verdict'].upper()}: {what} into {where}", file=out)
    for name in ("valid_until", "inputs_digest"):
        if answer.get(name):
            print(f"{name.replace('_', ' '):<13} {answer[name]}", file=out)


def one_line(text: object) -> str:
    """Text for a log: no line breaks, no control characters."""
    return "".join(c if c.isprintable() else " " for c in str(text or "")).strip()


class Parser(argparse.ArgumentParser):
    """Wrong usage is an error (3); argparse would exit with 2, which means pending."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        sys.stderr.write(f"release-gate: {message}\n")
        sys.exit(ERROR)


def options_of(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(
        prog="release-gate", description="Ask the release gates. Exit 0 pass, 1 fail, 2 pending, 3 error."
    )
    env = os.environ.get
    parser.add_argument(
        "--url", default=env("RELEASETRAIN_URL"), help="address of the installation (RELEASETRAIN_URL)"
    )
    parser.add_argument(
        "--org",
        default=env("RELEASETRAIN_ORG"),
        help="the organization's word in addresses (RELEASETRAIN_ORG)",
    )
    parser.add_argument(
        "--token", default=env("RELEASETRAIN_TOKEN"), help="better given as RELEASETRAIN_TOKEN"
    )
    parser.add_argument(
        "--workload-identity", action="store_true", help="instead of a token: the ID token of this job"
    )
    parser.add_argument(
        "--audience",
        default=env("RELEASETRAIN_AUDIENCE", ""),
        help="whom GitHub makes the ID token for (RELEASETRAIN_AUDIENCE)",
    )
    parser.add_argument("--environment", help="name of the environment to enter")
    parser.add_argument("--gate", help="ask this gate only, by its key")
    parser.add_argument("--release", help="key of the release")
    parser.add_argument("--digest", help="digest of the artifact, sha256:…")
    parser.add_argument(
        "--wait", type=float, default=300.0, metavar="SECONDS", help="how long to wait for a verdict (300)"
    )
    parser.add_argument(
        "--post", nargs="+", default=[], metavar="FILE", help="reports to post first (needs --digest)"
    )
    parser.add_argument("--service", help="registers the artifact with its first result")
    parser.add_argument("--version", help="version of the artifact")
    parser.add_argument("--commit", help="commit it was built from")
    parser.add_argument("--run-url", dest="run_url", help="address of the pipeline run")
    parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    options = parser.parse_args(arguments)
    for name in ("url", "org") if options.workload_identity else ("url", "org", "token"):
        if not getattr(options, name):
            parser.error(f"--{name} or RELEASETRAIN_{name.upper()} is missing")
    if bool(options.release) == bool(options.digest):
        parser.error("give either --release or --digest")
    if not (options.environment or options.gate):
        parser.error("give --environment or --gate")
    if options.post and not options.digest:
        parser.error("--post needs --digest")
    if not 0 <= options.wait <= 86400:
        parser.error("--wait is between 0 and 86400 seconds")
    return options


def run(arguments: list[str]) -> int:
    options = options_of(arguments)
    clock = Clock(options.wait)
    if options.workload_identity:
        there = admitted(options.url, options.org, options.audience, clock)
    else:
        there = Installation(options.url, options.org, options.token.strip())
    post_results(there, clock, options)
    answer = verdict(there, clock, options)
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        show(answer, sys.stdout)
    sys.stdout.flush()
    return VERDICTS.get(str(answer.get("verdict")), ERROR)


def main(arguments: list[str] | None = None) -> int:
    """Whatever goes wrong is 3: an exception must never look like an answer."""
    try:
        return run(sys.argv[1:] if arguments is None else arguments)
    except Trouble as trouble:
        print(f"error     {one_line(trouble)}", file=sys.stderr)
    except KeyboardInterrupt:
        print("error     interrupted", file=sys.stderr)
    except Exception as error:
        print(f"error     {type(error).__name__}: {one_line(error)}", file=sys.stderr)
    return ERROR


if __name__ == "__main__":
    sys.exit(main())
