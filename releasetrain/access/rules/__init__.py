"""What decides without reading anything: claims against conditions, decisions of reviews, bounds of time."""
