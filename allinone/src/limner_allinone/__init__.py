"""All services in one process tree, and the limner command."""
