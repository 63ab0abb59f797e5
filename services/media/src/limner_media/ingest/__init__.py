"""Ingest: from files that were sent, shared or fetched to frames that can be read."""
