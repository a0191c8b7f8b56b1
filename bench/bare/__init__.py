"""The yardstick of asking gates: a bare Django REST Framework view that does one SELECT."""
