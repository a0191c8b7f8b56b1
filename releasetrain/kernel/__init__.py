"""The kernel: clock, ids, actor, refusals, state machines. No models, nothing above it is imported."""
