"""Where requests made for users may go."""
