"""State machines of governance, part by part."""
