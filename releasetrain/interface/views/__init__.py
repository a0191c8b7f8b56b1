"""The generated pages: list, object, history and verb of every resource."""
