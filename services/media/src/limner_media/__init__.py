"""Uploads, frames, chunks and previews."""
