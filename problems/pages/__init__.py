"""Pages of problems and incidents, and their panel of the release cockpit."""
