"""Renderings of the facts for people: HTML that opens offline, and a PDF. Neither is evidence itself."""
