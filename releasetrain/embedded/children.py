"""Child processes that never outlive the process that started them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .unprivileged import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None]:
    """A step that the child takes first: the kernel signals it when its parent thread is gone (Linux)."""

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal))

    return prepare


def spawn(
    command: Sequence[str],
    *,
    cwd: Path,
    output: int | IO[bytes],
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches it only through us.

    Even when we are killed with SIGKILL the child is told to stop. The kernel watches the *thread* that
    called this, so call it from a thread that lives as long as the child should.
    """
    identity: dict[str, Any] = {}
    if account is not None:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
    return subprocess.Popen(
        list(command),
        cwd=cwd,
        env=None if environment is None else dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509 - it only makes one system call
        **identity,
    )


def stop(process: subprocess.Popen[bytes], *, with_signal: signal.Signals, patience: float) -> None:
    """Ask a child to stop; when it has not after `patience` seconds, kill all of its session."""
    if process.poll() is None:
        process.send_signal(with_signal)
        await_end(process, patience=patience)


def await_end(process: subprocess.Popen[bytes], *, patience: float) -> None:
    """Wait for a child that was asked to stop; kill all of its session when it takes too long."""
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        kill_session(process)
        process.wait()


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the child and its own children at once, as a power cut would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
