#!/usr/bin/env python
"""Command line of the installation."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releasetrain.settings")
    if sys.argv[1:2] == ["up"]:
        # Before Django: `up` makes the key and the addresses that the settings read.
        from releasetrain.embedded.up import main as up

        sys.exit(up(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
