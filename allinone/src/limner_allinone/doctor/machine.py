"""Checks of this machine: the home or the folders of a deployment, keys, libraries."""

import base64
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from limner_allinone.composition import SERVICE_NAMES
from limner_allinone.doctor.findings import Check, Doubtful, Wrong
from limner_allinone.home import Home
from limner_allinone.scratch import system_scratch
from limner_common.grants import public_key_of
from limner_common.settings import ServiceSettings

_LEAST_FREE_BYTES: Final = 64 * 1024**2
_USUAL_FREE_BYTES: Final = 1024**3
_KEY_BYTES: Final = 32
_KEYS_ADVICE: Final = "Give every process LIMNER_KEYS with the public keys of all services, and its own LIMNER_PRIVATE_KEY."


def checks_of_home(home: Home) -> Sequence[Check]:
    """Return what is to look at in an embedded installation."""
    return (
        Check("home", partial(_home, home), advice="Choose another folder with --home, or mend this one."),
        Check("database binaries", _binaries, advice="Install Limner again: its wheels bring PostgreSQL along."),
    )


def secret_checks(settings: ServiceSettings) -> Iterator[Check]:
    """Yield what is to look at in keys of a deployment."""
    yield Check("keys", partial(_keys, settings))


def folder_checks(settings: ServiceSettings) -> Iterator[Check]:
    """Yield what is to look at in folders of a deployment."""
    advice = "Mount a writable folder with room there, or set {}."
    yield Check(
        "scratch", partial(_scratch, settings.scratch_folder), advice=advice.format("LIMNER_SCRATCH_FOLDER (or TMPDIR)")
    )
    if (cache := settings.cache_folder) is not None:
        needed = settings.cache_max_bytes
        examine = partial(_writable, cache, needed, "Set LIMNER_CACHE_MAX_BYTES lower, or make room.")
        yield Check("cache", examine, str(cache), advice.format("LIMNER_CACHE_FOLDER"))
    if (share := settings.share_folder) is not None:
        yield Check("share", partial(_share, share), str(share), "Mount the share, or unset LIMNER_SHARE_FOLDER.")


def media_libraries() -> Check:
    """Return the check of what reads pictures and videos."""
    return Check("media libraries", _media, advice="Install Limner again.")


async def _home(home: Home) -> str:
    if not home.folder.exists():
        return f"{home.folder} does not exist yet; `limner up` makes it"
    free = shutil.disk_usage(home.folder).free // 1024**2
    mode = home.secrets_file.stat().st_mode & 0o777 if home.secrets_file.exists() else 0o600
    if mode != 0o600:
        raise Wrong(f"{home.secrets_file} is readable by others (mode {mode:o}).", f"Run: chmod 600 {home.secrets_file}")
    if free < _USUAL_FREE_BYTES // 1024**2:
        raise Doubtful(f"{home.folder} has only {free} MB free.", "Make room, or run: limner admin sweep")
    return f"{home.folder}, {free} MB free"


async def _binaries() -> str:
    from limner_allinone.postgres import EmbeddedPostgres

    return EmbeddedPostgres(Path()).version()


async def _keys(settings: ServiceSettings) -> str:
    if not settings.keys and settings.private_key is None:
        return "none given here; run the doctor with a service's variables to have its keys examined"
    missing = [name for name in SERVICE_NAMES if name not in settings.keys]
    if missing:
        raise Wrong(f"LIMNER_KEYS has no public key of {', '.join(missing)}.", _KEYS_ADVICE)
    try:
        public = {name: _key(text) for name, text in settings.keys.items()}
        private = None if settings.private_key is None else _key(settings.private_key.get_secret_value())
    except ValueError:
        raise Wrong("A key is not base64 of 32 raw bytes.", _KEYS_ADVICE) from None
    if private is None:
        return f"public keys of {len(public)} services; no private key given here"
    owner = next((name for name, key in public.items() if key == public_key_of(private)), None)
    if owner is None:
        raise Wrong("LIMNER_PRIVATE_KEY belongs to none of the public keys in LIMNER_KEYS.", _KEYS_ADVICE)
    return f"public keys of {len(public)} services, the private key of {owner}"


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != _KEY_BYTES:
        raise ValueError
    return key


async def _scratch(folder: Path | None) -> str:
    folder = folder or system_scratch()
    said = await _writable(folder, _USUAL_FREE_BYTES, "Make room: what is uploaded and exported passes through it.")
    return f"{folder}: {said}"


async def _writable(folder: Path, wanted_bytes: int, advice: str) -> str:
    """Write a little there, and compare what is free with what is wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"x" * 65536)
        probe.flush()
    free = shutil.disk_usage(folder).free
    if free < _LEAST_FREE_BYTES:
        raise Wrong(f"{folder} has only {free // 1024**2} MB free.", advice)
    if free < wanted_bytes:
        raise Doubtful(f"{folder} has {free // 1024**2} MB free, less than the {wanted_bytes // 1024**2} wanted.", advice)
    return f"writable, {free // 1024**2} MB free"


async def _share(folder: Path) -> str:
    entries = sum(1 for _ in zip(folder.iterdir(), range(1000), strict=False))
    return f"readable, {entries if entries < 1000 else 'many'} entries"


async def _media() -> str:
    import av
    import PIL

    return f"PyAV {av.__version__}, Pillow {PIL.__version__}"
