"""Typed clients of the services' internal routes: how one service asks another."""
