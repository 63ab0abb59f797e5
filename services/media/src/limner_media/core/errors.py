"""The one error of the media core."""

from typing import Self


class MediaError(Exception):
    """Media that cannot be used, said so that the person who sent it can act.

    Attributes:
        message: What is wrong, one sentence without the file name.
        file: Name of the file it is about, as the user knows it; None when it is about the whole set.
    """

    def __init__(self, message: str, *, file: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file

    def __str__(self) -> str:
        return f"{self.file}: {self.message}" if self.file else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by the default pickling, and errors travel out of worker processes.
        return (_rebuild, (type(self), self.message, self.file))

    def named(self, file: str) -> Self:
        """The same error about ``file``, unless it names a file already."""
        return self if self.file else type(self)(self.message, file=file)


class TooFewKeyFramesError(MediaError):
    """A video has too few usable key frames for a manifest; ``force`` lifts the rule."""


def _rebuild(kind: type[MediaError], message: str, file: str | None) -> MediaError:
    return kind(message, file=file)
