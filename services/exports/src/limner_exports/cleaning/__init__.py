"""Removing what nobody needs: expired results, results of deleted tasks, abandoned uploads."""
