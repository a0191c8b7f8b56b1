"""Endpoints of reviews besides the generated ones."""
