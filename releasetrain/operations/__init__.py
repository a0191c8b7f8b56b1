"""What operators do with an installation as a whole: back it up, restore it, prove that it can be restored."""
