"""Ground for all tests: this run's servers and settings, and the fixture modules.

Tests log in as the application's role, never as owner or superuser: those would not meet the guards.
"""

from __future__ import annotations

import os

import pytest

from tests.testbed.run import RUN, TestRun

_run = TestRun()
_run.prepare()

import django  # noqa: E402 - the settings are readable only now
from django.conf import settings  # noqa: E402

if settings.configured:
    raise pytest.UsageError("Unset DJANGO_SETTINGS_MODULE and --ds: tests/conftest.py chooses the settings.")
# Pages in tests name files by their plain names; the running product in `live_app` uses the hashed ones.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()

pytest_plugins = [
    "tests.testbed.databases",
    "tests.testbed.processes",
    "tests.testbed.browser",
    "tests.fixtures",
]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUN] = _run
    # xdist's workers inherit running servers; a single process starts them when the first test needs them.
    if config.getoption("tx", None) and not config.getoption("collectonly"):
        # They set themselves up like this process, each with a database of its own.
        del os.environ["DJANGO_SETTINGS_MODULE"]
        try:
            _run.start()
        except Exception as error:  # every test that needs a database says so, the others still run
            (_run.folder / "failure").write_text(str(error))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _run.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker and (marker.kwargs.get("transaction") or marker.args):
            raise pytest.UsageError(
                f"{item.nodeid}: the application's role may not truncate tables; "
                "take the fixture committed_db instead of django_db(transaction=True)."
            )
