"""Alembic scripts of the service."""
