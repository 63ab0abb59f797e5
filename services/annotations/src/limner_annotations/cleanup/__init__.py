"""What the service does when jobs, tasks or labels go, and when tasks move."""
