"""Projects: groups of tasks that share labels."""
