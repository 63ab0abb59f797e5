"""The formats this server knows."""
