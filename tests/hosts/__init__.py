"""Many hosts on one machine: each part in a network namespace of its own, killed in turn under load. `make hosts`."""
