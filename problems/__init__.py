"""The problems domain."""
