"""Pipelines and people at once for a while: no error, and web and worker need no more memory at the end than after warming up.

`python -m tests.scorecard.load --seconds 600 --pipelines 50 --people 200`; the last line says what came of it.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

PAGES = (
    "",
    "releases/",
    "changes/",
    "deployments/",
    "gates/",
    "problems/",
    "board/",
    "incidents/",
    "services/",
)
# Above this share more than after warming up, memory is not flat.
GROWTH = 0.20


class Crowd:
    """All clients, and what was counted."""

    def __init__(self, port: int, cookies: list[str], seconds: float) -> None:
        self.port, self.cookies = port, cookies
        self.until = time.monotonic() + seconds
        self.answers: Counter[str] = Counter()
        self.errors: list[str] = []
        self._lock = threading.Lock()

    def note(self, kind: str, error: str = "") -> None:
        with self._lock:
            self.answers[kind] += 1
            if error:
                self.errors.append(error)

    def pipeline(self, number: int) -> None:
        """A build every few seconds: reports, then the verdict."""
        from bench.pipeline import Pipeline

        chance, line, turn = random.Random(number), Pipeline(self.port), 0
        while time.monotonic() < self.until:
            turn += 1
            seed = f"9.{number}.{turn}"
            try:
                line.post_reports(seed)
                verdict = line.verdict(seed)
            except Exception as error:
                self.note("build", f"{type(error).__name__}: {error}"[:300])
                line = Pipeline(self.port)
            else:
                self.note("build", "" if verdict == "pass" else f"{seed} got {verdict}")
            time.sleep(chance.uniform(5, 15))

    def person(self, number: int) -> None:
        """A page every few seconds."""
        chance, cookie = random.Random(-number), self.cookies[number % len(self.cookies)]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while time.monotonic() < self.until:
            time.sleep(chance.uniform(4, 16))
            path = f"/o/northwind/{chance.choice(PAGES)}"
            try:
                status, onward = self._ask(connection, path, cookie)
                if status == 303:  # the board of the present increment has an address of its own
                    status, onward = self._ask(connection, onward, cookie)
            except (OSError, http.client.HTTPException) as error:
                self.note("page", f"{path}: {type(error).__name__}")
                connection.close()
            else:
                self.note("page", "" if status == 200 else f"{path}: {status}")

    def _ask(self, connection: http.client.HTTPConnection, path: str, cookie: str) -> tuple[int, str]:
        """Status, and where it leads on to."""
        connection.request("GET", path, headers={"Host": "localhost", "Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location", "")


def memory(parent: int) -> int:
    """Bytes of a process's own memory, with all its children."""
    total, seen = 0, [parent]
    while seen:
        pid = seen.pop()
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            seen += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:
            continue
        total += (
            sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")) * 1024
        )
    return total


def cookies_of(organization: str) -> list[str]:
    """Sessions of everybody in the organization."""
    from django.conf import settings
    from django.test import Client

    from releasetrain.accounts.models import User

    found = []
    for user in User.objects.filter(memberships__organization__slug=organization, kind="person").distinct()[
        :40
    ]:
        client = Client()
        client.force_login(user)
        found.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
    return found


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--pipelines", type=int, default=50)
    options.add_argument("--people", type=int, default=200)
    given = options.parse_args()
    os.environ["API_REQUESTS_PER_MINUTE"] = "1000000"
    from bench.installation import installed

    with installed() as installation:
        from bench.pipeline import token

        token()
        cookies = cookies_of("northwind")
        with installation.web(LOG_LEVEL="WARNING") as port, installation.worker():
            crowd = Crowd(port, cookies, given.seconds)
            clients: list[Any] = [
                *(
                    threading.Thread(target=crowd.pipeline, args=(n,), daemon=True)
                    for n in range(given.pipelines)
                ),
                *(threading.Thread(target=crowd.person, args=(n,), daemon=True) for n in range(given.people)),
            ]
            for client in clients:
                client.start()
            time.sleep(given.seconds * 0.3)
            warm = memory(os.getpid())
            own = memory_of_self()
            time.sleep(max(0.0, crowd.until - time.monotonic()))
            end = memory(os.getpid()) - (memory_of_self() - own)
            for client in clients:
                client.join(90)
    growth = (end - warm) / warm
    for error, times in Counter(crowd.errors).most_common(10):
        print(f"{times} × {error}", file=sys.stderr)
    print(
        f"{given.pipelines} pipelines, {given.people} people, {given.seconds:.0f} s: {crowd.answers['build']} builds judged,"
        f" {crowd.answers['page']} pages, {len(crowd.errors)} errors; memory {warm / 2**20:.0f} → {end / 2**20:.0f} MB"
        f" ({growth:+.0%} after warming up)"
    )
    return 0 if not crowd.errors and growth <= GROWTH else 1


def memory_of_self() -> int:
    """Of this process alone: the clients are not what is measured."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Private_")) * 1024


if __name__ == "__main__":
    sys.exit(main())
