"""Template tags of trains."""
