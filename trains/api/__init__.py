"""REST endpoints of trains beside the generated ones."""
"""Endpoints of trains that are more than a row or a verb."""
