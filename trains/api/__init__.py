"""REST endpoints of trains beside the generated ones."""
