"""Background requests: their list, progress and live stream."""
