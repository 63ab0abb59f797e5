"""Functions: models that can be called on frames."""
