"""What an installation on one machine keeps under `var/`: keys, passwords, data, logs."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .fingerprint import ROOT


class AlreadyRunning(RuntimeError):
    """Another `manage.py up` uses this folder; its own words say where."""


class LocalState:
    """One `var/` folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.logs = self._folder("log")
        self.postgres = self._folder("postgres")
        self.valkey = self._folder("valkey")

    @classmethod
    def from_environment(cls) -> LocalState:
        return cls(Path(os.environ.get("RELEASETRAIN_VAR") or ROOT / "var"))

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def secret_key(self) -> str:
        """Django's signing key, made at the first start."""
        return self._kept_secret("secret_key", lambda: secrets.token_urlsafe(50))

    def passwords(self) -> dict[str, str]:
        """Passwords of the embedded servers' roles, made at the first start."""
        names = ("superuser", "owner", "application", "valkey")
        fresh = {name: secrets.token_urlsafe(24) for name in names}
        text = self._kept_secret("passwords.json", lambda: json.dumps(fresh, indent=1))
        passwords: dict[str, str] = json.loads(text)
        return passwords

    def stamp(self, name: str) -> str:
        """What was last prepared under this name; stamps about the database live and die with it."""
        file = self._stamp_file(name)
        return file.read_text().strip() if file.exists() else ""

    def set_stamp(self, name: str, value: str) -> None:
        self._stamp_file(name).write_text(value + "\n")

    def _stamp_file(self, name: str) -> Path:
        folder = self.folder / "stamps"
        folder.mkdir(exist_ok=True)
        return folder / name

    def forget_database_stamps(self) -> None:
        """After a new, empty database nothing has been prepared in it."""
        for name in ("schema", "demo"):
            self._stamp_file(name).unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one tree per folder."""
        file = self.folder / "up.lock"
        with file.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise AlreadyRunning(lock.read().strip() or "It is still starting.") from None
            lock.truncate(0)
            yield
            lock.truncate(0)

    def announce(self, text: str) -> None:
        """Tell a second `manage.py up` where the first one is."""
        (self.folder / "up.lock").write_text(text)

    def _kept_secret(self, name: str, make: Callable[[], str]) -> str:
        file = self.folder / name
        if not file.exists():
            self.write_secret(name, make() + "\n")
        return file.read_text().strip()

    def write_secret(self, name: str, text: str) -> None:
        """Write a file that is ours alone from its first byte on, in place of what was there."""
        file = self.folder / name
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
