"""Own endpoints of access."""
