"""What the installation says of itself, and its file share."""
