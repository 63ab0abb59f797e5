"""Dataset formats, exports and imports."""
