"""The governance domain."""
