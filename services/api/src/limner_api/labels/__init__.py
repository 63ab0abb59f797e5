"""Labels, sublabels and attributes of tasks and projects."""
