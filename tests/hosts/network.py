"""Hosts as network namespaces on one bridge: each has an address of its own, and nothing but the network between them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from releasetrain.embedded.children import kill_session, spawn

SUBNET = "10.77.{}"
PROGRAMS = {
    "ip": "iproute2",
    "setpriv": "util-linux",
    "haproxy": "haproxy",
    "pgbouncer": "pgbouncer",
}


class CannotRun(RuntimeError):
    """What this machine lacks, in a sentence."""


def check_machine() -> None:
    """Say at once, and all together, what is missing."""
    missing = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        raise CannotRun(
            f"Missing on this machine: {', '.join(missing)}. On Debian: apt-get install {' '.join(missing)}"
        )
    if os.geteuid() != 0:
        raise CannotRun("Network namespaces are made by root only: sudo make hosts")
    probe = f"rt-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        raise CannotRun(
            f"This machine does not let us make network namespaces ({made.stderr.strip()}): "
            "a container needs --privileged, or CAP_SYS_ADMIN and CAP_NET_ADMIN."
        )
    subprocess.run(["ip", "netns", "delete", probe], check=False)


class Host:
    """One namespace; what is started in it sees its own address, the others' and nothing else."""

    def __init__(self, network: Network, name: str, number: int) -> None:
        self.name = name
        self.address = f"{network.prefix}.{number}"
        self.namespace = f"{network.mark}-{name}"
        self._network = network
        self._process: subprocess.Popen[bytes] | None = None
        self.log_path = network.folder / f"{name}.log"
        outside, inside = f"{network.mark}{number}", "eth0"
        run("ip", "netns", "add", self.namespace)
        run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", self.namespace)
        run("ip", "link", "set", outside, "master", network.bridge, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", inside)
        self.run("ip", "link", "set", inside, "up")

    def run(self, *command: str) -> str:
        return run("ip", "netns", "exec", self.namespace, *command)

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        *,
        unprivileged: bool = False,
    ) -> None:
        """Start the host's program; it dies with us."""
        as_nobody = (
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=INT"]
            if unprivileged
            else []
        )
        with self.log_path.open("ab") as log:
            self._process = spawn(
                ["ip", "netns", "exec", self.namespace, *as_nobody, *command],
                cwd=folder,
                environment=environment,
                output=log,
            )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9 to all that runs on the host, as a power cut would."""
        for pid in run("ip", "netns", "pids", self.namespace).split():
            subprocess.run(["kill", "-9", pid], check=False, capture_output=True)
        if self._process is not None:
            kill_session(self._process)
            self._process.wait()

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, patience: float) -> bool:
        """Whether its program ended within that time."""
        assert self._process is not None
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return False
        return True

    def log(self, characters: int = 2500) -> str:
        return self.log_path.read_text(errors="replace")[-characters:] if self.log_path.exists() else ""


class Network:
    """The bridge, and the hosts on it; all of it is gone afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        number = os.getpid() % 200 + 20
        self.mark = f"rt{number}"
        self.prefix = SUBNET.format(number)
        self.bridge = f"{self.mark}br"
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Network:
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "address", "add", f"{self.prefix}.1/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        return self

    def host(self, name: str) -> Host:
        self.hosts[name] = Host(self, name, 10 + len(self.hosts))
        return self.hosts[name]

    def __exit__(self, *exception: object) -> None:
        for host in self.hosts.values():
            host.kill()
            subprocess.run(["ip", "netns", "delete", host.namespace], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", self.bridge], check=False, capture_output=True)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
