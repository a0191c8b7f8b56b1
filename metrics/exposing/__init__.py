"""What Prometheus may read: the installation's own state, and each organization's releases."""
