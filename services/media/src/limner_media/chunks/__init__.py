"""Chunks: many frames in one answer, cut when asked for and kept in the cache."""
