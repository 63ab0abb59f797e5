"""Events: what clients report and what other services publish, in one table that can be queried."""
