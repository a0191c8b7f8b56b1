"""The security scorecard: 25 rows, each run and written down with its figure. `make scorecard`."""
