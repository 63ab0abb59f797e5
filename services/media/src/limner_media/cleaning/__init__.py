"""Removing what nobody needs: data of deleted tasks, abandoned uploads."""
