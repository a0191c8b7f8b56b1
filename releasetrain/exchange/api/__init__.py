"""Endpoints over several domains."""
