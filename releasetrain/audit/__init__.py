"""Audit: history, ledger, the doorway for writes, Merkle sealing and verification."""
