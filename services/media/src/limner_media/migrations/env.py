"""Alembic environment; everything is shared."""

from limner_common.db.migrations import run_environment

run_environment()
