"""Imports: annotations into tasks and jobs, datasets into projects."""
