"""Pages of delivery performance."""
