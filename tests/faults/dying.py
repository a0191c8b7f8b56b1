"""Processes that die in the middle of an act: with SIGKILL, at a chosen step of their talk with the database.

A step is a statement sent, a statement answered, a commit sent or a commit answered. Choosing among them hits every
place in which the database can be left, also the narrow ones that a kill at a random moment would hardly ever hit.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Act = Callable[[], Any]
DONE, REFUSED, FAILED = 0, 3, 4


@dataclass
class Child:
    """A process at work on one act."""

    pid: int
    status: int | None = None

    def await_end(self) -> int:
        """Its exit status, or minus the signal that ended it."""
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.status

    @property
    def acknowledged(self) -> bool:
        """It said that the act was done."""
        return self.await_end() == DONE

    @property
    def killed(self) -> bool:
        return self.await_end() == -signal.SIGKILL

    def kill(self) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)


def start(act: Act, *, dies_at: int | None = None) -> Child:
    """Perform the act in a process of its own, which dies at its step number `dies_at`.

    The caller must hold no connection to the database: a forked one would be shared.
    """
    pid = os.fork()
    if pid:
        return Child(pid)
    status = FAILED
    try:
        with steps(dies_at):
            act()
        status = DONE
    except BaseException as error:
        from django.db import Error as DatabaseError

        from releasetrain.kernel.refusals import Refused

        if isinstance(error, Refused):
            status = REFUSED
        elif not isinstance(
            error, OSError | DatabaseError
        ):  # a server that is away is what the round is about
            traceback.print_exc(file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


@contextmanager
def steps(dies_at: int | None) -> Any:
    """Count the steps of this process's talk with the database; die at the given one. Yields the counter."""
    from django.db import connection

    taken = [0]

    def step() -> None:
        taken[0] += 1
        if taken[0] == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    def around(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        step()
        answer = execute(sql, params, many, context)
        step()
        return answer

    commit = connection._commit

    def around_commit() -> Any:
        step()
        answer = commit()
        step()
        return answer

    connection._commit = around_commit
    try:
        with connection.execute_wrapper(around):
            yield taken
    finally:
        connection._commit = commit
