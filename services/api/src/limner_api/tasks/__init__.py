"""Tasks: a set of frames to annotate, its settings and its progress."""
