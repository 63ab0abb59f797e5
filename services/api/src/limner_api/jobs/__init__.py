"""Jobs: the part of a task one person works on."""
