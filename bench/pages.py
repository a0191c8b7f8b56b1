"""Server time of a page: the whole stack from middleware to the last byte, without a network."""

from __future__ import annotations

import time
from typing import Any

from .figures import median

WARM_UP, ROUNDS = 2, 5


def server_time(user: Any, address: str) -> tuple[float, int]:
    """Median seconds of a page for a signed-in person, and its size in bytes."""
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    times = []
    for number in range(WARM_UP + ROUNDS):
        started = time.perf_counter()
        answer = client.get(address)
        taken = time.perf_counter() - started
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}.")
        if number >= WARM_UP:
            times.append(taken)
    return median(times), len(answer.content)
