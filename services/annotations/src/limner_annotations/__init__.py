"""Tags, shapes, tracks and their revisions."""
