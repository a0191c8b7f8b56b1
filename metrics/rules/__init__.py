"""Metric definitions and their arithmetic: pure functions over typed rows."""
