"""Reads of reviews: no change of state happens here."""
