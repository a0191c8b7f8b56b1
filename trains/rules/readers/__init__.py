"""Readers of public release data: files in, typed rows and row errors out, no database."""
