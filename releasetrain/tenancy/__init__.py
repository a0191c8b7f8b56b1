"""Tenancy: organizations, the tenant scope, and the database's guards against crossing it."""
