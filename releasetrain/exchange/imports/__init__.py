"""Importers of public release data: all rows or none, faults by row, and a second run changes nothing."""
