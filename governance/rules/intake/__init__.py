"""Readers of what pipelines post: bytes in, typed summaries out, broken input refused in one way."""
