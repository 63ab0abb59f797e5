"""What clients are told about data, and which frames are marked as deleted."""
