"""The API: what every endpoint shares, and the endpoints generated from resources and actions."""
