"""Fixtures of governance tests."""

from __future__ import annotations

from typing import Any

import pytest

from tests.governance.gateway import Gateway


@pytest.fixture
def gateway(cast: Any) -> Gateway:
    """A guarded production environment, committed or rolled back as the test's database is."""
    return Gateway(cast)
