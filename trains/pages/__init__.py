"""Own pages of trains: release cockpit, train overview, calendar."""
