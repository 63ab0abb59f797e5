"""Mechanics every service shares: settings, database, outbox, bus, queue, stores, HTTP, errors."""
