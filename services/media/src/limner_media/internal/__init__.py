"""Routes for the other services."""
