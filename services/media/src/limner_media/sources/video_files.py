"""Videos as the decoding library wants them: a path where there is one, else a file that reads ranges."""

from limner_common.objects.readers import local_path, open_object
from limner_media.core.video_open import VideoSource
from limner_media.sources.pieces import LocatedPiece


def video_source(video: LocatedPiece) -> VideoSource:
    """Return what to open a video from; a file object is closed when nothing refers to it any more.

    Raises:
        ObjectMissing: Its object is gone.
    """
    return local_path(video.location) or open_object(video.location)
