"""Accounts: people, service accounts, roles and grants, tokens, sign-in."""
