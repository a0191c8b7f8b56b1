"""Reads: who can do what and when it was used, what a campaign still waits for."""
