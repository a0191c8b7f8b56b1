"""The process tree: what ends takes everything with it, and says why."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from releasetrain.embedded.supervisor import MemberEnded, StopRequested, Tree

LIVES = [sys.executable, "-c", "import time; print('at work', flush=True); time.sleep(60)"]


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """A tree in this process; its signal handlers are taken back afterwards."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield Tree(tmp_path, tmp_path)
    for number, handler in before.items():
        signal.signal(number, handler)


def _pids(tree: Tree) -> list[int]:
    return [member.process.pid for member in tree._members]


def _said(log: Path, text: str) -> bool:
    return log.exists() and text in log.read_text()


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_one_that_fails_stops_the_others_and_its_last_words_are_told(tree: Tree) -> None:
    with pytest.raises(MemberEnded, match=r"(?s)web ended with status 3.*no such table"), tree:
        tree.start("worker", LIVES, os.environ)
        tree.start("web", [sys.executable, "-c", "print('no such table'); raise SystemExit(3)"], os.environ)
        pids = _pids(tree)
        tree.watch()
    assert all(_gone(pid) for pid in pids)


def test_one_that_is_killed_is_named_with_its_signal(tree: Tree) -> None:
    with pytest.raises(MemberEnded, match="worker was killed by SIGKILL"), tree:
        tree.start("worker", LIVES, os.environ)
        os.kill(_pids(tree)[0], signal.SIGKILL)
        tree.watch()


def test_a_signal_stops_everything_cleanly(tree: Tree) -> None:
    with pytest.raises(StopRequested), tree:
        tree.start("web", LIVES, os.environ)
        tree.start("worker", LIVES, os.environ)
        pids = _pids(tree)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        tree.watch()
    assert all(_gone(pid) for pid in pids)


def test_servers_stop_after_those_that_use_them(tree: Tree, tmp_path: Path) -> None:
    order: list[str] = []
    program = f"""
import signal, sys, time
from pathlib import Path
def stop(*_):
    time.sleep(0.3)
    Path({str(tmp_path / "user-ended")!r}).touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
    with pytest.raises(StopRequested), tree:
        tree.start("user", [sys.executable, "-c", program], os.environ)
        server = tree._members[0].process
        tree.adopt(
            "server", server, lambda: order.append(f"user ended: {(tmp_path / 'user-ended').exists()}")
        )
        tree.wait_for(lambda: _said(tmp_path / "user.log", "ready"), "The user")
        raise StopRequested
    assert order == ["user ended: True"]


def test_output_carries_its_origin_and_is_kept(
    tree: Tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StopRequested), tree:
        tree.start("beat", LIVES, os.environ)
        tree.wait_for(lambda: _said(tmp_path / "beat.log", "at work"), "The scheduler")
        time.sleep(0.1)
        raise StopRequested
    assert "beat    | at work" in capsys.readouterr().out


def test_what_never_gets_ready_is_given_up(tree: Tree) -> None:
    with pytest.raises(MemberEnded, match="The web server was not ready after 0 seconds"), tree:
        tree.start("web", LIVES, os.environ)
        tree.wait_for(lambda: False, "The web server", patience=0.2)


def test_a_log_grown_large_is_set_aside(tree: Tree, tmp_path: Path) -> None:
    with (tmp_path / "web.log").open("wb") as log:
        log.truncate(11 * 1024 * 1024)
    assert not tree.log_path("web").exists()
    assert (tmp_path / "web.log.1").exists()
