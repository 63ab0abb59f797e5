"""The way from the public address to the service that answers."""
