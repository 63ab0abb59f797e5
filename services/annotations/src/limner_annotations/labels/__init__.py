"""Which version of labels a save must have been checked against."""
