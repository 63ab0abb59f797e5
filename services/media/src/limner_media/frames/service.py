"""Single frames, context images and previews."""

from limner_common.cache import Entry
from limner_common.errors import NotFound
from limner_common.objects.threads import Threads
from limner_media.chunks.building import VideoFrames
from limner_media.chunks.service import Builds, built_entry
from limner_media.core.chunks import ZIP_MIME, Quality
from limner_media.datas.service import Datas
from limner_media.datas.values import Frame, TaskData
from limner_media.errors import media_errors
from limner_media.frames import rendering
from limner_media.frames.placeholders import point_cloud_preview
from limner_media.pool.processes import ProcessPool
from limner_media.sources.locating import Sources

PCD_MIME = "image/x.point-cloud-data"
JPEG_MIME = "image/jpeg"
PNG_MIME = "image/png"
_MIMES = {
    "JPEG": JPEG_MIME,
    "MPO": JPEG_MIME,
    "PNG": PNG_MIME,
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "DIB": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "JPEG2000": "image/jp2",
    "PPM": "image/x-portable-pixmap",
    "ICO": "image/x-icon",
    "PCD": PCD_MIME,
    "BIN": PCD_MIME,
}


class NoContextImages(NotFound):
    """The frame has no context images."""

    def __init__(self) -> None:
        super().__init__("The frame has no context images.", code="no_context_images")


def mime_of(frame: Frame) -> str:
    """Return the MIME type of a frame in original quality."""
    return _MIMES.get(frame.format, "application/octet-stream")


class Frames:
    """Renders single frames; what is rendered is kept in the cache.

    Args:
        datas: Reads frames.
        sources: Where their bytes lie.
        pool: Decodes and encodes.
        threads: For what needs no decoding of foreign bytes.
        builds: Keeps what was built.
    """

    def __init__(self, datas: Datas, sources: Sources, pool: ProcessPool, threads: Threads, builds: Builds) -> None:
        self._datas = datas
        self._sources = sources
        self._pool = pool
        self._threads = threads
        self._builds = builds

    async def image(self, data: TaskData, frame: Frame, quality: Quality) -> Entry:
        """Return a frame of an image or point cloud task, encoded.

        Raises:
            PoolBusy: Too many calls wait for the worker processes.
            UnusableMedia: It cannot be decoded.
        """
        is_cloud = data.media_type == "point_cloud"
        mime = mime_of(frame) if is_cloud or quality is Quality.ORIGINAL else JPEG_MIME
        key = f"media/{data.token}/frames/{quality}/{frame.number}"

        async def build() -> Entry:
            located = self._sources.located(frame.piece)
            with media_errors():
                value = await self._pool.run(rendering.render_image, frame.source_name, located, quality, data.image_quality)
            return built_entry(value, mime, data)

        return await self._builds.get(key, build)

    async def video_frame(self, data: TaskData, number: int, quality: Quality) -> Entry:
        """Return a frame of a video: PNG, or JPEG where compressed chunks are images; raises as ``image``."""
        is_jpeg = quality is Quality.COMPRESSED and data.compressed_chunk_type == "imageset"
        key = f"media/{data.token}/frames/{quality}/{number}"

        async def build() -> Entry:
            frames = self._video_frames(data, number)
            with media_errors():
                if is_jpeg:
                    value = await self._pool.run(rendering.render_video_jpeg, frames, data.image_quality)
                    return built_entry(value, JPEG_MIME, data)
                value = await self._pool.run(rendering.render_video_png, frames)
            return built_entry(value, PNG_MIME, data)

        return await self._builds.get(key, build)

    async def context(self, data: TaskData, number: int) -> Entry:
        """Return the context images of a frame as a zip.

        Raises:
            NoContextImages: There are none.
            PoolBusy: Too many calls wait for the worker processes.
            UnusableMedia: One cannot be decoded.
        """
        if data.video is not None:
            raise NoContextImages

        async def build() -> Entry:
            pieces = await self._datas.related(data, await self._datas.frame(data, number))
            if not pieces:
                raise NoContextImages
            with media_errors():
                value = await self._pool.run(rendering.render_context, [self._sources.located(piece) for piece in pieces])
            return built_entry(value, ZIP_MIME, data)

        return await self._builds.get(f"media/{data.token}/context/{number}", build)

    async def preview(self, data: TaskData, number: int) -> Entry:
        """Return a thumbnail of a frame; the same drawing for all point clouds; raises as ``image``."""

        async def build() -> Entry:
            with media_errors():
                if data.media_type == "point_cloud":
                    value = await self._threads.run(point_cloud_preview)
                elif data.video is not None:
                    value = await self._pool.run(rendering.render_video_preview, self._video_frames(data, number))
                else:
                    piece = (await self._datas.frame(data, number)).piece
                    value = await self._pool.run(rendering.render_image_preview, self._sources.located(piece))
            return built_entry(value, JPEG_MIME, data)

        return await self._builds.get(f"media/{data.token}/previews/{number}", build)

    def _video_frames(self, data: TaskData, number: int) -> VideoFrames:
        assert data.video is not None and data.video_index is not None
        located = self._sources.located(data.video.piece)
        return VideoFrames(data.token, located, data.video_index, [data.source_frame(number)])
