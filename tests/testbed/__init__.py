"""What tests stand on: a PostgreSQL and a Valkey per run, databases cloned from a template, processes, a browser."""
