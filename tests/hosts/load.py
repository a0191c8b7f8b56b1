"""Load from a host of its own: pipelines, people and senders that retry as theirs do, and note every answer they got.

`python -m tests.hosts.load <what is known, as JSON> <notes>`; ends at SIGTERM, after what it is about has been answered.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import json
import os
import signal
import sys
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# After this a client gives up, and the request counts as lost.
PATIENCE = 90.0
# A request that hangs is given up, and repeated with the same key.
TIMEOUT = 15.0
RETRIED = {408, 425, 429, 500, 502, 503, 504}
PLANS = {"implementation_plan": "Deploy.", "test_plan": "Smoke test.", "backout_plan": "Redeploy."}


class Lost(RuntimeError):
    """No answer in spite of all retries."""


class Client:
    """One connection that is opened anew when it breaks; every unsafe request has its key."""

    def __init__(self, load: Load, token: str = "") -> None:
        self.load = load
        self.token = token
        self._connection: http.client.HTTPConnection | None = None

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        """The answer that ends the retries: status, headers, JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        sent = {"Host": "release.example", "Content-Type": "application/json", **headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if method == "POST":
            sent.setdefault("Idempotency-Key", uuid.uuid4().hex)
        began, problems = time.monotonic(), []
        while True:
            try:
                status, told, answer = self._once(method, path, raw, sent)
            except (OSError, http.client.HTTPException) as error:
                problems.append(type(error).__name__)
                self._drop()
            else:
                code = answer.get("code", "") if isinstance(answer, dict) else ""
                if status not in RETRIED and code != "idempotency.in_progress":
                    self.load.count(time.monotonic() - began, problems)
                    return status, told, answer
                problems.append(f"{status} {code}".strip())
            if time.monotonic() - began > PATIENCE:
                self.load.count(time.monotonic() - began, problems, lost=True)
                raise Lost(f"{method} {path}: {problems[-3:]}")
            time.sleep(min(2.0, 0.1 * 2 ** len(problems)))

    def _once(self, method: str, path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, Any, Any]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self.load.balancer, timeout=TIMEOUT)
        self._connection.request(method, path, raw, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        kind = answer.headers.get("Content-Type", "")
        return answer.status, answer.headers, json.loads(content) if "json" in kind and content else None

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Load:
    """What all clients share: where to send to, what to say, and what was noted."""

    def __init__(self, known: dict[str, Any], notes: Path) -> None:
        self.known = known
        self.root = known["root"]
        self.balancer = (known["balancer"], known["port"])
        self.mark = uuid.uuid4().hex[:6]
        self.stopping = threading.Event()
        self._notes = notes.open("a", buffering=1)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def number(self) -> int:
        with self._lock:
            return next(self._numbers)

    def note(self, what: str, **facts: Any) -> None:
        with self._lock:
            self._notes.write(json.dumps({"what": what, **facts}) + "\n")

    def count(self, seconds: float, problems: list[str], lost: bool = False) -> None:
        self.note(
            "request",
            at=time.time(),
            seconds=round(seconds, 3),
            problems=problems[:8],
            lost=lost,
            tries=len(problems),
        )

    def run(self) -> None:
        clients = [self.pipeline, self.pipeline, self.people, self.sender, self.pages]
        threads = [threading.Thread(target=self._repeat, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _repeat(self, client: Any) -> None:
        while not self.stopping.is_set():
            try:
                client()
            except Lost as lost:
                self.note("lost", error=str(lost))
            except Exception as error:  # an answer that nobody expected is a finding, not the end of the load
                self.note("odd", error=f"{type(error).__name__}: {error}"[:500])
            self.stopping.wait(self.known["pause"])

    # -- who sends -----------------------------------------------------------------------------------------------------------

    def pipeline(self) -> None:
        """Post results, ask the gate, deploy when it lets pass; then a worse result, after which it must not pass."""
        client = Client(self, self.known["pipeline"])
        version = f"{self.mark}.{self.number()}"
        digest = "sha256:" + hashlib.sha256(version.encode()).hexdigest()
        self._post(client, version, digest, failed=0)
        self._ask(client, version, digest, "pass")
        run = f"run-{version}"
        self._record(client, run, version, "running")
        self._record(client, run, version, "succeeded")
        self._post(client, version, digest, failed=1)
        self._ask(client, version, digest, "fail")

    def _post(self, client: Client, version: str, digest: str, *, failed: int) -> None:
        cases = "".join(
            f'<testcase classname="unit" name="t{n}">{"<failure message=" + chr(34) + "no" + chr(34) + "/>" if n < failed else ""}</testcase>'
            for n in range(3)
        )
        report = f'<testsuite name="unit" tests="3" failures="{failed}">{cases}</testsuite>'.encode()
        body = {
            "digest": digest,
            "service": self.known["service"],
            "version": version,
            "file": {"name": "junit.xml", "base64": base64.b64encode(report).decode()},
        }
        self._expect(client.send("POST", f"{self.root}/results/post", body), 200, 201)
        self.note("result", digest=digest)

    def _ask(self, client: Client, version: str, digest: str, expected: str) -> None:
        question = {"environment": "production", "digest": digest}
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE:
            status, headers, answer = client.send("POST", f"{self.root}/gates/evaluate", question)
            if status == 200:
                self.note(
                    "verdict",
                    version=version,
                    verdict=answer["verdict"],
                    expected=expected,
                    key=answer.get("evaluation") or answer.get("key", ""),
                )
                return
            self._expect((status, headers, answer), 202)
            client.send("GET", f"{headers['Location']}?wait=10")
        raise Lost(f"no verdict about {version}")

    def _record(self, client: Client, run: str, version: str, status: str) -> None:
        body = {
            "service": self.known["service"],
            "environment": "test",
            "version": version,
            "status": status,
            "source": "ci",
            "external_id": run,
        }
        self._expect(client.send("POST", f"{self.root}/deployments/record", body), 200, 201)
        self.note("deployment", run=run, status=status)

    def people(self) -> None:
        """A change is written and submitted, and two members vote at the same time."""
        author = Client(self, self.known["author"])
        start = datetime.now(UTC) + timedelta(days=1)
        body = {
            "title": f"Change {self.mark} {self.number()}",
            "board": self.known["board"],
            "service": self.known["service"],
            "window_starts": start.isoformat(),
            "window_ends": (start + timedelta(hours=1)).isoformat(),
            **PLANS,
        }
        _, _, change = self._expect(author.send("POST", f"{self.root}/changes", body), 201)
        self._expect(author.send("POST", f"{self.root}/changes/{change['id']}/submit", {}), 200)
        self.note("change", id=change["id"])
        voting = [
            threading.Thread(target=self._vote, args=(token, change["id"])) for token in self.known["voters"]
        ]
        for thread in voting:
            thread.start()
        for thread in voting:
            thread.join()

    def _vote(self, token: str, change: str) -> None:
        body = {"choice": "approve", "rationale": "Tests are green."}
        try:
            self._expect(
                Client(self, token).send("POST", f"{self.root}/changes/{change}/vote", body), 200, 201
            )
        except Lost as lost:
            self.note("lost", error=str(lost))
        except Exception as error:
            self.note("odd", error=str(error)[:500])
        else:
            self.note("vote", change=change)

    def sender(self) -> None:
        """Events: each is sent until it is accepted, and every third once more."""
        if not self.known["hook"]:
            return
        client = Client(self)
        ident = f"{self.mark}-{self.number()}"
        event = {
            "context": {
                "version": "0.4.1",
                "id": ident,
                "source": "/ci",
                "type": "dev.cdevents.service.deployed.0.2.0",
                "timestamp": datetime.now(UTC).isoformat(),
                "chainId": ident,
            },
            "subject": {
                "id": self.known["service"],
                "content": {
                    "environment": {"id": "test"},
                    "artifactId": f"pkg:oci/ledger@sha256%3A{hashlib.sha256(ident.encode()).hexdigest()}?tag={ident}",
                },
            },
        }
        headers = {"Authorization": f"Bearer {self.known['secret']}", "Idempotency-Key": ident}
        for _ in range(1 + (self.number() % 3 == 0)):
            self._expect(client.send("POST", self.known["hook"], event, **headers), 202)
        self.note("event", id=ident)

    def pages(self) -> None:
        """Reading, as people do all day."""
        client = Client(self, self.known["author"])
        for plural in ("deployments", "changes", "evaluations"):
            self._expect(client.send("GET", f"{self.root}/{plural}?limit=10"), 200)

    def _expect(self, answer: tuple[int, Any, Any], *statuses: int) -> tuple[int, Any, Any]:
        if answer[0] not in statuses:
            raise RuntimeError(f"answered {answer[0]}: {json.dumps(answer[2])[:400]}")
        return answer


def main() -> None:
    load = Load(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
    signal.signal(signal.SIGTERM, lambda *_: load.stopping.set())
    load.run()
    load.note("ended", pid=os.getpid())


if __name__ == "__main__":
    main()
