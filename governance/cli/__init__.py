"""The command that pipelines download. It stands alone: standard library only."""
