"""What operators' commands ask of the service."""
