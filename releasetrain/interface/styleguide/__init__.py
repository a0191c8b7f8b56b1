"""The style guide: every component as it really is, at `/styleguide/`."""
