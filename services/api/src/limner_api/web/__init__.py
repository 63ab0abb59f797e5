"""Serves the built web client."""
