"""Gateway, identity and catalog."""
