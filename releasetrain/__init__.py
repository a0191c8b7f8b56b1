"""The installation: settings, ground floor packages and the composition root."""
