"""Own pages of access."""
