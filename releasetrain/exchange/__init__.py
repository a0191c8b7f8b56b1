"""The top floor: pages over several domains, and the outside world (feeds, imports, demo data)."""
