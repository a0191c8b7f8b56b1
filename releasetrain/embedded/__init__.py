"""The whole product on one machine: PostgreSQL, Valkey, web, worker and scheduler as one supervised tree.

Nothing in here but the management commands needs Django to be configured: this package *provides* the
environment that the settings are read from.
"""
