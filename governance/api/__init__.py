"""Endpoints of governance that are more than a resource or a verb."""
