"""The REST face of planning beyond its objects."""

"""Reading endpoints of planning that are more than a list of rows."""
