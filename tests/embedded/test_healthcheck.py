"""The container's health check asks by a name that the server accepts."""

import pytest

from releasetrain.embedded.addresses import free_port
from releasetrain.embedded.healthcheck import host_name, ready


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        ("", "localhost"),
        ("*", "localhost"),
        ("a.example,b.example", "a.example"),
        (".example.org", "example.org"),
    ],
)
def test_the_host_name_is_an_allowed_one(allowed: str, name: str) -> None:
    assert host_name(allowed) == name


def test_nobody_there_is_not_ready() -> None:
    assert not ready(free_port(), "localhost")
