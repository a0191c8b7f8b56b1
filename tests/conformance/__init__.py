"""Published test vectors as judges of our own understanding."""
