"""Endpoints of problems that are not generated."""
