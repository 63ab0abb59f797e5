"""The data of tasks: what was ingested, frame by frame, and what is said of it."""
