"""Planning arithmetic: pure functions over typed rows, no database, no clock."""
