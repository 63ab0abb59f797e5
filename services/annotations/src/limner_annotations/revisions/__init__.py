"""What jobs hold, and every state they were in: objects that begin with one revision and end with another."""
