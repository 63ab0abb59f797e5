"""Annotations of a task: those of its jobs, merged where segments overlap, and split again on writing."""
