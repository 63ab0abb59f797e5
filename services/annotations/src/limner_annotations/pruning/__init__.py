"""Revisions that are old enough lose what only they held."""
