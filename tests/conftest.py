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
    if config.getoption("tx", None) and not config.getoption("collectonly"):
        # xdist's workers set themselves up like this process, and inherit servers that already run.
        del os.environ["DJANGO_SETTINGS_MODULE"]
        _run.start_or_note_why_not()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start before the first test's time limit runs: the schema may have to be built anew."""
    if not session.config.getoption("collectonly") and any(_needs_servers(item) for item in session.items):
        _run.start_or_note_why_not()


def _needs_servers(item: pytest.Item) -> bool:
    fixtures = {"test_run", "database", "db"}
    return item.get_closest_marker("django_db") is not None or bool(
        fixtures & set(getattr(item, "fixturenames", ()))
    )


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _run.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests counted, in a line each: `record_property("summary", …)`."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", ()):
                if name == "summary":
                    terminalreporter.write_line(str(value))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        marker = item.get_closest_marker("django_db")
        if marker and (marker.kwargs.get("transaction") or marker.args):
            raise pytest.UsageError(
                f"{item.nodeid}: the application's role may not truncate tables; "
                "take the fixture committed_db instead of django_db(transaction=True)."
            )
    items[:] = _patient_ones_first(items, getattr(config, "workerinput", {}).get("workercount", 1))


def _patient_ones_first(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """What drives a browser or real workers waits more than it computes: all processes but one begin with it.

    Stealing work gives each process an equal run of neighbours, and takes from the ends of the runs later.
    """
    # The walk through all pages lasts longest and is collected last.
    patient = [item for item in reversed(items) if _waits(item)]
    others = [item for item in items if not _waits(item)]
    runs, beginners = len(items) // processes, max(1, processes - 1)
    arranged: list[pytest.Item] = []
    for number in range(beginners):
        begun = patient[number::beginners]
        arranged += begun
        arranged += others[: runs - len(begun)]
        others = others[max(0, runs - len(begun)) :]
    return arranged + others


def _waits(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("patient", "journey"))
