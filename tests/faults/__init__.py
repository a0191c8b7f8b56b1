"""Faults on purpose: work is killed, servers fall over, and afterwards everything is counted."""
