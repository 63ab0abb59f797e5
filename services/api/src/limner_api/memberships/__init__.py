"""Who belongs to which organization in which role."""
