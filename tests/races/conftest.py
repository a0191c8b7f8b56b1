"""Running acts at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection

from releasetrain.kernel.refusals import Refused
from releasetrain.tenancy.scope import tenant_scope

DONE = "done"


@pytest.fixture
def together(cast: Any) -> Callable[..., list[str]]:
    """`together(("rte", act), ("auditor", other))`: each in a thread, a connection and a scope of its own, begun at once.

    Answers for each act "done", or the code of its refusal.
    """

    def run(*acts: tuple[str, Callable[[Any], Any]]) -> list[str]:
        actors = [cast[role] for role, _ in acts]
        for actor in actors:
            _ = actor.name
        line, outcomes = threading.Barrier(len(acts)), [""] * len(acts)
        unexpected: list[BaseException] = []

        def perform(number: int) -> None:
            actor, (_, act) = actors[number], acts[number]
            try:
                connection.ensure_connection()
                line.wait(20)
                with tenant_scope(cast.organization.pk, actor):
                    act(actor)
                outcomes[number] = DONE
            except Refused as refused:
                outcomes[number] = refused.code
            except DatabaseError as error:
                outcomes[number] = f"database: {error}"
            except BaseException as error:  # told by the test's own thread
                unexpected.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=perform, args=(n,)) for n in range(len(acts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not unexpected, unexpected
        return outcomes

    return run
