"""Who may do what: principals, policy tables and their evaluator, contexts, and the visibility of lists."""
