"""What other commands need to reach the servers of a running `manage.py up`, printed for a shell to read.

`eval "$(python -m releasetrain.embedded.environment)"`: the application's address and the key, never the owner's.
"""

from __future__ import annotations

import shlex
import sys

from .local_state import LocalState

_FILE = "environment"


def keep(state: LocalState, environment: dict[str, str]) -> None:
    """Write down, for ourselves alone, where the application finds its servers."""
    names = ("DJANGO_SETTINGS_MODULE", "RELEASETRAIN_VAR", "SECRET_KEY", "DATABASE_URL", "REDIS_URL")
    lines = [f"export {name}={shlex.quote(environment[name])}" for name in names]
    state.write_secret(_FILE, "\n".join(lines) + "\n")


def forget(state: LocalState) -> None:
    (state.folder / _FILE).unlink(missing_ok=True)


def main() -> int:
    file = LocalState.from_environment().folder / _FILE
    if not file.exists():
        print("Nothing runs from this folder; start it with `make run`.", file=sys.stderr)
        return 1
    print(file.read_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
