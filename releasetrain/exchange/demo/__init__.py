"""The demo organizations: generated from a seed through the ordinary actions, and labelled as demo data."""
