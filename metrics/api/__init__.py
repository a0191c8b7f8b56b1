"""The REST face of delivery performance."""
