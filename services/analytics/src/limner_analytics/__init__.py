"""Client and server events."""
