"""Writes web/openapi.json: the public API as this checkout answers it. Needs no database and no network.

Usage: ``python tools/write_openapi.py [FILE]``.
"""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path

import httpx
from pydantic import SecretStr

from limner_allinone.composition import SERVICE_NAMES, install
from limner_common.grants import Keyring, new_private_key, public_key_of
from limner_common.http.inprocess import InProcessTransport
from limner_common.settings import ServiceSettings

FILE = Path(__file__).parents[1] / "web" / "openapi.json"


async def read_document() -> bytes:
    """Ask the services of this checkout, in this process, for their description."""
    private = {name: new_private_key() for name in SERVICE_NAMES}
    public = {name: public_key_of(key) for name, key in private.items()}
    keyrings = {name: Keyring(name, key, public) for name, key in private.items()}
    with tempfile.TemporaryDirectory(prefix="limner-openapi-") as folder:
        settings = ServiceSettings(
            database_url=SecretStr("postgresql://nobody@127.0.0.1:9/never"),
            objects_folder=Path(folder) / "objects",
            cache_folder=Path(folder) / "cache",
        )
        async with install(settings, keyrings) as installation:
            transport = InProcessTransport(installation.app("api"))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client:
                answer = await client.get("/api/schema", params={"scheme": "json"})
                answer.raise_for_status()
                return answer.content


def main() -> None:
    """Write the file."""
    logging.disable(logging.WARNING)
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_bytes(asyncio.run(read_document()) + b"\n")


if __name__ == "__main__":
    main()
