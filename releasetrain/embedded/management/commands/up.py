"""Start everything on this machine as one supervised tree.

`manage.py` hands `up` over before Django reads its settings; this class lists it among the commands and
serves `call_command`.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from releasetrain.embedded import up


class Command(BaseCommand):
    help = up.__doc__ or ""
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        up.add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        sys.exit(up.up(host=options["host"], port=options["port"], demo=options["demo"]))
