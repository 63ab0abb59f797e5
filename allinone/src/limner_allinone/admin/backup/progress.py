"""How far copying is."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from limner_allinone.admin.output import size_text

_TOLD_EVERY_SECONDS = 10.0


@dataclass(slots=True)
class Progress:
    """What has been done so far, told from time to time."""

    tell: Callable[[str], None]
    verb: str
    objects: int = 0
    object_bytes: int = 0
    copied: int = 0
    copied_bytes: int = 0
    _told_at: float = field(default_factory=time.monotonic)

    def add(self, size_bytes: int, *, is_copied: bool) -> None:
        """Count an object."""
        self.objects += 1
        self.object_bytes += size_bytes
        if is_copied:
            self.copied += 1
            self.copied_bytes += size_bytes
        if time.monotonic() - self._told_at >= _TOLD_EVERY_SECONDS:
            self._told_at = time.monotonic()
            self.tell(f"{self.objects} objects ({size_text(self.object_bytes)}) {self.verb} so far")
