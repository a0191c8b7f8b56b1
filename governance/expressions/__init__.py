"""Expressions of gates in CEL: evaluated by cel-python, in a process of their own with little time and memory."""
