"""Worker processes for decoding and encoding, so that the event loop never touches pixels."""
