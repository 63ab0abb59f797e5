"""Migrations expand first and contract a release later: the release before goes on working while pods are replaced."""

from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.support.migration_rules import read_script

SCRIPTS = sorted(ROOT.glob("services/*/src/limner_*/migrations/versions/*.py"))
HEAD = 'revision = "b"\ndown_revision = "a"\n'


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_what_older_releases_use_is_taken_away_only_by_a_script_that_says_so(path: Path) -> None:
    script = read_script(path.read_text())
    if not script.narrowing:
        assert script.oldest_code is None, "it takes nothing away, so every older release that ran before it still runs"
        return
    assert script.oldest_code is not None, (
        f"{path.relative_to(ROOT)} takes away what the release before may use: {'; '.join(script.narrowing)}. Expand first, "
        "and contract a release later in a script that names the oldest revision whose code still runs: oldest_code."
    )
    older = {read_script(other.read_text()).revision for other in path.parent.glob("*.py")} - {script.revision}
    assert script.oldest_code in older, "it names a revision of this service that came before"


@pytest.mark.parametrize(
    ("operation", "is_narrowing"),
    [
        ('op.add_column("t", sa.Column("c", sa.Text), schema="s")', False),
        ('op.add_column("t", sa.Column("c", sa.Text, nullable=False, server_default=""))', False),
        ('op.add_column("t", sa.Column("c", sa.Text, nullable=False))', True),
        ('op.drop_column("t", "c")', True),
        ('op.drop_table("t")', True),
        ('op.rename_table("t", "u")', True),
        ('op.alter_column("t", "c", nullable=True)', False),
        ('op.alter_column("t", "c", nullable=False)', True),
        ('op.alter_column("t", "c", type_=sa.Integer)', True),
        ('op.alter_column("t", "c", new_column_name="d")', True),
        ('op.create_index("i", "t", ["c"])', False),
        ('op.create_index("i", "t", ["c"], unique=True)', True),
        ('op.add_column("t", sa.Column("c", sa.Text())); op.create_index("i", "t", ["b", "c"], unique=True)', False),
        ('op.add_column("u", sa.Column("c", sa.Text())); op.create_index("i", "t", ["b", "c"], unique=True)', True),
        (
            'op.add_column("t", sa.Column("c", sa.Text, server_default="")); op.create_index("i", "t", ["c"], unique=True)',
            True,
        ),
        ('op.drop_index("i", table_name="t")', False),
        (
            'op.create_table("t", sa.Column("c", sa.Text, nullable=False)); op.create_index("i", "t", ["c"], unique=True)',
            False,
        ),
        ('op.create_table("t"); op.drop_column("u", "c")', True),
        ('op.execute("UPDATE s.t SET c = 1")', False),
        ('op.execute(sa.text("ALTER TABLE s.t ALTER COLUMN c SET NOT NULL"))', True),
        ('op.execute("DROP TABLE s.t")', True),
        ('op.create_check_constraint("c", "t", "x > 0")', True),
    ],
)
def test_the_check_finds_what_older_code_does_not_survive(operation: str, is_narrowing: bool) -> None:
    source = f"{HEAD}\ndef upgrade():\n    {operation}\n\ndef downgrade():\n    op.drop_table('t')\n"
    assert bool(read_script(source).narrowing) is is_narrowing
    first = source.replace('"a"', "None")
    assert read_script(first).narrowing == (), "before the first one there is no release"
