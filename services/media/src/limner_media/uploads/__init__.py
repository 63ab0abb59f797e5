"""Attaching data to a task: the upload protocol and the request that starts the ingest."""
