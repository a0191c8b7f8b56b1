"""Applying additions lightly gives the schema that Django's own way gives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.postgres import programs
from releasetrain.embedded.provisioning import APPLICATION, OWNER, Login, provision
from tests.testbed import template
from tests.testbed.run import TestRun

_PLAINLY = "from django.core.management.commands.migrate import Command"
# That new columns keep their defaults is tested apart (test_under_load).
_LIGHTLY = (
    "import contextlib\n"
    "from releasetrain.tenancy.management.commands import migrate\n"
    "from releasetrain.tenancy.management.commands.migrate import Command\n"
    "migrate.defaults_kept = contextlib.nullcontext"
)
# Its migrations bring every kind of operation that we write, and are few enough to be applied the long way too.
_PROGRAM = """
import sys, django
django.setup()
from django.core.management import call_command
{command}
call_command(Command(), "accounts", interactive=False, verbosity=0, skip_checks=True)
"""


@pytest.fixture
def empty_databases(test_run: TestRun) -> Iterator[list[str]]:
    names = [f"{kind}_{test_run.worker}" for kind in ("plainly", "lightly")]
    superuser = test_run.url("postgres", "postgres")
    for name in names:
        provision(superuser, database=name, owner=Login(OWNER, None), application=Login(APPLICATION, None))
    yield names
    for name in names:
        template.drop(superuser, name)


def test_the_schema_is_the_same(test_run: TestRun, empty_databases: list[str]) -> None:
    dumps = []
    for name, command in zip(empty_databases, (_PLAINLY, _LIGHTLY), strict=True):
        owner = test_run.url(OWNER, name)
        environment = {**os.environ, "DATABASE_URL": owner, "DATABASE_OWNER_URL": owner}
        program = _PROGRAM.format(command=command)
        subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
        dump = [str(programs() / "pg_dump"), "--schema-only", test_run.url("postgres", name)]
        text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
        # pg_dump guards its script with a random word.
        dumps.append(
            [line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]
        )
    assert "CREATE TABLE public.accounts_grant" in "\n".join(dumps[0])
    assert dumps[0] == dumps[1]
