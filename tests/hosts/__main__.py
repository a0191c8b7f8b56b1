"""`make hosts`: kill any host under load, then upgrade under load; print what was counted, and fail when a count is wrong."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from releasetrain.embedded.fingerprint import ROOT

from .counting import Counts, count, notes_of
from .machines import Installation
from .network import CannotRun, Network, check_machine
from .upgrading import Upgrade

HOSTS = (
    "web1", "web2", "worker1", "worker2", "beat1", "beat2", "pool", "broker", "balancer", "replica", "primary",
)  # fmt: skip
# How long the host is away, and how long all goes on before the next one is killed.
AWAY = 3.0


class Run:
    """One installation under load, from the first request to the counts."""

    def __init__(self, installation: Installation, pause: float) -> None:
        self.installation = installation
        self.notes = installation.folder / "notes.jsonl"
        self.pause = pause
        self.ended_by_themselves = 0

    def begin(self) -> None:
        known = self.installation.folder / "known.json"
        known.write_text(json.dumps({**self.installation.known, "pause": self.pause}))
        self.installation.hosts["client"].start(
            [sys.executable, "-m", "tests.hosts.load", str(known), str(self.notes)],
            self.installation.environment(),
            ROOT,
        )

    def go_on(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            time.sleep(0.5)
            self.ended_by_themselves += self.installation.keep()

    def kill(self, name: str) -> None:
        say(f"kill -9 {name}")
        installation = self.installation
        if name == "primary":
            installation.hosts[installation.database].kill()
            time.sleep(AWAY)
            installation.fail_over()
            return
        installation.hosts[name].kill()
        time.sleep(AWAY)
        installation.bring_back(name)

    def end(self) -> Counts:
        """Let the clients finish and the workers work off what is due; then count."""
        client = self.installation.hosts["client"]
        client.signal(15)
        deadline = time.monotonic() + 150
        while not client.wait(1) and time.monotonic() < deadline:
            self.ended_by_themselves += self.installation.keep()
        deadline = time.monotonic() + 90
        while True:
            self.go_on(3)
            notes = notes_of(self.notes)
            with self.installation.superuser() as database:
                counts = count(notes, database, self.installation.var / "mail")
            if counts.sound or time.monotonic() > deadline:
                break
        if not any(note["what"] == "ended" for note in notes):
            counts.odd.append(f"the clients did not end: {client.log(800)}")
        said = self.installation.manage("verify_ledger")
        if "NOT SOUND" in said:
            counts.lost.append(said[:800])
        return counts


def table(title: str, counts: Counts, more: dict[str, str]) -> str:
    acts = ", ".join(f"{number} {name}" for name, number in sorted(counts.acts.items()))
    problems = ", ".join(f"{number} × {name}" for name, number in counts.problems.most_common(6)) or "none"
    lines = [
        ("requests", f"{counts.requests}"),
        ("… answered after retries", f"{counts.retried} (met: {problems}; longest {counts.longest:.1f} s)"),
        ("acknowledged", acts),
        ("lost beyond retries", str(len(counts.lost))),
        ("done twice", str(len(counts.doubled))),
        ("passed though it should not", str(len(counts.passed))),
        ("answers nobody expected", str(len(counts.odd))),
        *more.items(),
    ]
    width = max(len(name) for name, _ in lines)
    body = [f"  {name:<{width}}  {value}" for name, value in lines]
    wrong = [
        f"  {kind}: {each}"
        for kind in ("lost", "doubled", "passed", "odd")
        for each in getattr(counts, kind)[:8]
    ]
    return "\n".join(["", title, *body, *wrong])


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def kills(chosen: list[str], between: float, pause: float) -> Counts:
    with installed(ROOT) as installation:
        run = Run(installation, pause)
        run.begin()
        run.go_on(between)
        for name in chosen:
            run.kill(name)
            run.go_on(between)
        counts = run.end()
        more = {
            "killed": ", ".join(chosen),
            "programs that ended by themselves": str(run.ended_by_themselves),
        }
        print(table("Any host may die", counts, more), flush=True)
        return report(installation, counts)


def upgrades(release: str, between: float, pause: float) -> Counts:
    with Upgrade(release) as upgrade, installed(upgrade.old) as installation:
        run = Run(installation, pause)
        run.begin()
        run.go_on(between)
        more = upgrade.perform(installation, lambda: run.go_on(between), say)
        counts = run.end()
        upgrade.judge(counts)
        print(table(f"Rolling upgrade from {release}", counts, more), flush=True)
        return report(installation, counts)


def report(installation: Installation, counts: Counts) -> Counts:
    if not counts.sound:
        for host in installation.hosts.values():
            print(f"--- {host.name}\n{host.log(1500)}", file=sys.stderr)
    return counts


class installed:  # noqa: N801 - reads as the words of a with statement
    """A started installation on hosts of its own; nothing of it is left afterwards."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    def __enter__(self) -> Installation:
        self.folder = Path(tempfile.mkdtemp(prefix="rt-hosts-"))
        self.folder.chmod(0o711)
        self.network = Network(self.folder).__enter__()
        try:
            installation = Installation(self.network, self.tree)
            say("starting twelve hosts")
            installation.start()
            say("all hosts answer")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return installation

    def __exit__(self, *exception: object) -> None:
        self.network.__exit__(*exception)
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> int:
    options = argparse.ArgumentParser(prog="make hosts", description=__doc__)
    options.add_argument("--kill", default=",".join(HOSTS), help="hosts to kill, in this order; empty: none")
    options.add_argument("--between", type=float, default=12.0, help="seconds of load before and after each")
    options.add_argument(
        "--pause", type=float, default=0.3, help="seconds that a client rests between its rounds"
    )
    options.add_argument(
        "--from", dest="release", default="", help="release (tag or commit) to upgrade from; empty: none"
    )
    options.add_argument("--only", choices=("kill", "upgrade"), help="one of the two parts")
    given = options.parse_args()
    chosen = [name for name in given.kill.split(",") if name]
    if unknown := set(chosen) - set(HOSTS):
        options.error(f"no such host: {', '.join(sorted(unknown))}")
    try:
        check_machine()
        results = []
        if given.only != "upgrade":
            results.append(kills(chosen, given.between, given.pause))
        if given.only != "kill" and given.release:
            results.append(upgrades(given.release, given.between, given.pause))
    except (CannotRun, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if results and all(counts.sound for counts in results) else 1


if __name__ == "__main__":
    sys.exit(main())
