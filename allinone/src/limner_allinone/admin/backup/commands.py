"""``limner admin backup``: the commands."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from limner_allinone.admin.backup.creating import create
from limner_allinone.admin.backup.layout import Manifest
from limner_allinone.admin.backup.restoring import restore
from limner_allinone.admin.backup.targets import open_target
from limner_allinone.admin.backup.verifying import verify
from limner_allinone.admin.command import Commands, add_command, add_group, add_plain_command
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.output import print_fields, print_rows, say, size_text
from limner_allinone.configuration import read_settings

_COLUMNS = ("id", "state", "snapshot_at", "product_version", "objects", "size", "missing", "has_secrets")
#: Problems listed by ``verify``; all are counted.
_NAMED = 100


def add_commands(groups: Commands) -> None:
    """Add the commands."""
    backup = add_group(groups, "backup", "copy the whole installation, check copies, make an installation of one")
    making = add_command(backup, "create", "back up database and objects while the product runs", _create)
    _takes_target(making)
    making.add_argument(
        "--include-secrets", action="store_true", help="take the grant keys of an embedded installation along (mode 0600)"
    )

    listing = add_plain_command(backup, "list", "list the backups of a target, oldest first", _list)
    _takes_target(listing)

    verifying = add_plain_command(
        backup, "verify", "read a whole backup again and compare it with what was written", _verify
    )
    _takes_target(verifying)
    verifying.add_argument("--id", help="which backup (default: the newest)")
    verifying.add_argument("--quick", action="store_true", help="compare the lengths of objects, do not read them")

    restoring = add_plain_command(
        backup,
        "restore",
        "make an installation of a backup, in an empty home or an empty deployment, and compare it with the backup",
        _restore,
    )
    _takes_target(restoring)
    restoring.add_argument("--id", help="which backup (default: the newest)")


def _takes_target(command: ArgumentParser) -> None:
    command.add_argument("target", help="folder, or s3://BUCKET/PREFIX with LIMNER_BACKUP_S3_* saying how to reach it")


async def _create(installation: Administered, arguments: Namespace) -> None:
    store = await installation.objects()
    with _private_files():
        async with open_target(arguments.target, installation.settings) as target:
            tell = _teller(arguments)
            manifest = await create(installation, store, target, tell, with_secrets=arguments.include_secrets)
    _warn_of_missing(arguments, manifest)
    print_fields(arguments, {**_row(manifest), "copied": manifest.copied, "copied_size": size_text(manifest.copied_bytes)})


async def _list(arguments: Namespace) -> None:
    async with open_target(arguments.target, read_settings()) as target:
        complete, broken = await target.ids()
        rows = [_row(await target.manifest(backup_id)) for backup_id in complete]
    rows += [{"id": backup_id, "state": "unfinished"} for backup_id in broken]
    print_rows(arguments, _COLUMNS, sorted(rows, key=lambda row: str(row["id"])), nothing="There are no backups yet.")


async def _verify(arguments: Namespace) -> int:
    problems: list[str] = []
    count = 0
    async with open_target(arguments.target, read_settings()) as target:
        manifest = await target.manifest(arguments.id)
        async for problem in verify(target, manifest, _teller(arguments), is_quick=arguments.quick):
            count += 1
            if len(problems) < _NAMED:
                problems.append(problem)
    _warn_of_missing(arguments, manifest)
    state = "damaged" if count else "good"
    if arguments.json:
        print_fields(arguments, {**_row(manifest), "state": state, "problems": problems, "problem_count": count})
        return int(bool(count))
    for problem in problems:
        print(f"FAIL  {problem}")
    print(
        f"Backup {manifest.id} is {state}: {manifest.objects} objects, {size_text(manifest.object_bytes)}, {count} problems."
    )
    return int(bool(count))


async def _restore(arguments: Namespace) -> None:
    async with open_target(arguments.target, read_settings()) as target:
        manifest = await target.manifest(arguments.id)
        place = await restore(arguments, target, manifest, _teller(arguments))
    _warn_of_missing(arguments, manifest)
    where = "the deployment; start its services" if place.home is None else f"{place.home.folder}; start it with limner up"
    say(arguments, f"Backup {manifest.id} is restored and compared in {where}.")
    if place.home is None and manifest.has_secrets:
        say(arguments, "The grant keys in the backup were left there: a deployment has its own in its environment.")
    if arguments.json:
        print_fields(arguments, _row(manifest))


@contextmanager
def _private_files() -> Iterator[None]:
    """Keep what is written from others: a backup holds everything that the installation protects."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _teller(arguments: Namespace) -> Callable[[str], None]:
    return partial(say, arguments)


def _warn_of_missing(arguments: Namespace, manifest: Manifest) -> None:
    if manifest.missing_count:
        first = manifest.missing[0]
        say(
            arguments,
            f"Warning: {manifest.missing_count} objects that the database speaks of were not in the store, such as "
            f"{first.key} ({first.kind}).",
        )


def _row(manifest: Manifest) -> dict[str, Any]:
    return {
        "id": manifest.id,
        "state": "complete",
        "snapshot_at": manifest.snapshot_at,
        "finished_at": manifest.finished_at,
        "product_version": manifest.product_version,
        "objects": manifest.objects,
        "size": size_text(manifest.object_bytes),
        "size_bytes": manifest.object_bytes,
        "rows": sum(table.rows for schema in manifest.schemas for table in schema.tables),
        "missing": manifest.missing_count,
        "has_secrets": manifest.has_secrets,
    }
