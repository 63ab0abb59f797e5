"""Streams of objects between services, and imports."""
