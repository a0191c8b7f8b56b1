"""The main job from end to end: in a browser, and through REST with curl alone."""
