"""Identifiers made by the application, so that no database extension or version is needed."""

import os
import time
import uuid


def new_uuid() -> uuid.UUID:
    """Return a time-ordered UUID (version 7, RFC 9562 §5.7): index-friendly and safe to show."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_token(prefix: str = "") -> str:
    """Return an identifier of ``[a-z0-9_]`` only, safe in paths without encoding; 32 hex digits after the prefix."""
    return f"{prefix}{new_uuid().hex}"
