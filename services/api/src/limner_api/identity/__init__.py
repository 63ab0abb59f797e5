"""Who asks: passwords, sessions, tokens, and the checks of each request."""
