"""A load generator: wrk when it is installed, else a small keep-alive client in two processes."""

from __future__ import annotations

import multiprocessing
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass

PROCESSES, CONNECTIONS = 2, 4
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Post:
    """One request, sent again and again."""

    port: int
    path: str
    body: str
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def all_headers(self) -> tuple[tuple[str, str], ...]:
        return (("Host", "localhost"), ("Content-Type", "application/json"), *self.headers)

    def raw(self) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in self.all_headers)]
        lines += [f"Content-Length: {len(self.body.encode())}", "", self.body]
        return "\r\n".join(lines).encode()


class NotAnswered(RuntimeError):
    """An answer that was not 200; throughput of refusals says nothing."""


def generator() -> str:
    """Which generator is used on this machine."""
    return (
        "wrk" if shutil.which("wrk") else f"{PROCESSES} Python processes with {CONNECTIONS} connections each"
    )


def throughput(post: Post, seconds: float) -> float:
    """Answers per second over the given time."""
    return _by_wrk(post, seconds) if shutil.which("wrk") else _by_processes(post, seconds)


def _by_wrk(post: Post, seconds: float) -> float:
    script = [f"wrk.method = 'POST'\nwrk.body = [==[{post.body}]==]"]
    script += [f"wrk.headers['{name}'] = '{value}'" for name, value in post.all_headers]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("\n".join(script))
        file.flush()
        command = ["wrk", f"-t{PROCESSES}", f"-c{PROCESSES * CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
        url = f"http://127.0.0.1:{post.port}{post.path}"
        said = subprocess.run(
            [*command, "-s", file.name, url], capture_output=True, text=True, check=True
        ).stdout
    if "Non-2xx" in said:
        raise NotAnswered(said)
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    return float(found[1])


def _by_processes(post: Post, seconds: float) -> float:
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES) as pool:
        pool.map(time.sleep, [0.2] * PROCESSES, chunksize=1)  # both are up before the clock starts
        return sum(pool.starmap(_hammer, [(post.port, post.raw(), seconds)] * PROCESSES, chunksize=1))


def _hammer(port: int, request: bytes, seconds: float) -> float:
    """Keep every connection busy with one request at a time; answers per second."""
    waiting = selectors.DefaultSelector()
    parts: dict[socket.socket, bytes] = {}
    for _ in range(CONNECTIONS):
        opened = socket.create_connection(("127.0.0.1", port), timeout=20)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(opened, selectors.EVENT_READ)
        parts[opened] = b""
        opened.sendall(request)
    answered, started = 0, time.monotonic()
    while (elapsed := time.monotonic() - started) < seconds:
        for key, _ in waiting.select(1):
            connection: socket.socket = key.fileobj  # type: ignore[assignment]
            parts[connection] += connection.recv(65_536)
            if _complete(parts[connection]):
                answered += 1
                parts[connection] = b""
                connection.sendall(request)
    for opened in parts:
        opened.close()
    return answered / elapsed


def _complete(answer: bytes) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        if not answer:
            raise NotAnswered("The server closed the connection.")
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise NotAnswered(answer[:500].decode(errors="replace"))
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")  # else it comes in chunks
