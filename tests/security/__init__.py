"""What attackers try at the edges: sign-in, sessions, forms, tokens."""
