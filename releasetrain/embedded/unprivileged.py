"""Whom PostgreSQL runs as when we are root: it refuses to be root, so it gets an account without rights."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

_ACCOUNT = "nobody"


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int


def database_account() -> Account | None:
    """The account that PostgreSQL runs as, or None when it can simply run as ourselves."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(_ACCOUNT)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def make_folder(folder: Path, account: Account | None) -> None:
    """Create a folder that only the account (or we ourselves) can look into, and reach."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account is None:
        return
    open_way_to(folder)
    os.chown(folder, account.uid, account.gid)


def open_way_to(path: Path) -> None:
    """Let other accounts walk *through* the folders above `path` (not list them); say where that is new."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            print(
                f"Made {parent} passable (chmod o+x): PostgreSQL does not run as root, "
                f"and the account '{_ACCOUNT}' has to reach {path}.",
                file=sys.stderr,
            )


def open_tree(top: Path) -> None:
    """Let other accounts read and execute what lies below `top`: installed programs, never data."""
    open_way_to(top)
    for folder, _, files in os.walk(top):
        _add_mode(Path(folder), stat.S_IROTH | stat.S_IXOTH)
        for name in files:
            file = Path(folder, name)
            executable = file.stat().st_mode & stat.S_IXUSR
            _add_mode(file, stat.S_IROTH | (stat.S_IXOTH if executable else 0))


def _add_mode(path: Path, bits: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & bits != bits:
        path.chmod(mode | bits)
