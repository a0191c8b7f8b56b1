"""The forms of every dashboard beside its page: JSON, CSV, PDF and PNG."""
