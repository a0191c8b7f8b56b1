"""The REST face of planning beyond its objects."""
