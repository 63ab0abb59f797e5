"""The pure media core: bytes in, bytes out; no SQL, no HTTP, safe to run in worker processes."""
