"""A rolling upgrade under load: expand the schema while the old version serves, then replace one host after the other."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from releasetrain.embedded.fingerprint import ROOT

from .counting import Counts
from .machines import Installation
from .network import CannotRun

LONGEST_LOCK = 2.0
_WAITS = """
    SELECT extract(epoch FROM clock_timestamp() - l.waitstart), left(a.query, 90), l.mode, l.relation::regclass::text,
      (SELECT left(b.query, 90) FROM pg_stat_activity b WHERE b.pid = ANY(pg_blocking_pids(a.pid)) LIMIT 1)
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.datname = current_database()
"""


class Upgrade:
    """The tree of an earlier release beside this one, and what the upgrade cost."""

    def __init__(self, release: str) -> None:
        self.release = release
        self._folder = Path(tempfile.mkdtemp(prefix="rt-release-"))
        self.old = self._folder / "tree"
        self.longest: tuple[float, str] = (0.0, "")

    def __enter__(self) -> Upgrade:
        self._folder.chmod(0o711)
        self.old.mkdir()
        archive = subprocess.run(
            ["git", "archive", "--format=tar", self.release], cwd=ROOT, capture_output=True, check=False
        )
        if archive.returncode:
            raise CannotRun(f"git archive {self.release}: {archive.stderr.decode().strip()}")
        subprocess.run(["tar", "-x"], input=archive.stdout, cwd=self.old, check=True)
        return self

    def __exit__(self, *exception: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def perform(
        self, installation: Installation, go_on: Callable[[], None], say: Callable[[str], None]
    ) -> dict[str, str]:
        """Migrate, then host by host; returns figures for the table."""
        watching = threading.Event()
        watcher = threading.Thread(target=self._watch_locks, args=(installation, watching))
        watcher.start()
        say("migrate")
        began = time.monotonic()
        try:
            installation.manage("migrate", "--noinput", "--verbosity=0", tree=ROOT, owner=True)
        finally:
            watching.set()
            watcher.join()
        migrating = time.monotonic() - began
        say(f"migrated in {migrating:.1f} s; longest wait for a lock {self.longest[0]:.2f} s")
        go_on()
        environment = installation.environment() | {"STATIC_ROOT": str(installation.var / "static")}
        installation._manage(
            ROOT, environment, "collectstatic", "--noinput", "--skip-checks", "--verbosity=0"
        )
        for name in ("web1", "web2", "worker1", "worker2", "beat1", "beat2"):
            say(f"replace {name}")
            self._replace(installation, name)
            go_on()
        return {
            "migrating": f"{migrating:.1f} s",
            "longest wait for a lock": f"{self.longest[0]:.2f} s {self.longest[1]}".strip(),
        }

    def _replace(self, installation: Installation, name: str) -> None:
        """Asked to end, it ends its work; then it starts from the new tree."""
        host = installation.hosts[name]
        installation.trees[name] = ROOT
        host.signal(15)
        if not host.wait(40):
            host.kill()
        installation.start_program(name)
        if name.startswith("web"):
            installation.wait_for(lambda: installation._web_answers(name), f"{name} does not answer", name)

    def _watch_locks(self, installation: Installation, ending: threading.Event) -> None:
        with installation.superuser() as connection, connection.cursor() as cursor:
            while not ending.wait(0.05):
                cursor.execute(_WAITS)
                for seconds, waiting, mode, relation, holder in cursor.fetchall():
                    if seconds > self.longest[0]:
                        self.longest = (
                            float(seconds),
                            f"({mode} of {relation}; {_line(waiting)!r} behind {_line(holder)!r})",
                        )

    def judge(self, counts: Counts) -> None:
        if self.longest[0] > LONGEST_LOCK:
            counts.odd.append(f"a lock was waited for {self.longest[0]:.2f} s {self.longest[1]}")


def _line(text: Any) -> str:
    return " ".join(str(text).split())
