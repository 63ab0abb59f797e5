"""Exports: archives of the annotations of a project, task or job."""
