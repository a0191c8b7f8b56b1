"""What tests stand on: servers per run, databases cloned from a template, processes, a browser."""
