"""What keeps an engine from starting, in words for people."""


class EngineProblem(Exception):
    """Says what is missing or wrong, where, and what to do."""
