"""Acts at the same moment, in real transactions on a committed database: each pair has exactly one outcome."""
