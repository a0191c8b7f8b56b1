"""The servers that come with the product, for `manage.py up` and for tests."""

from .postgres import UNSAFE_BUT_FAST, PostgresServer, ServerDidNotStart, start_postgres
from .valkey import ValkeyServer, start_valkey

__all__ = [
    "UNSAFE_BUT_FAST",
    "PostgresServer",
    "ServerDidNotStart",
    "ValkeyServer",
    "start_postgres",
    "start_valkey",
]
