"""The frames that an import can write to."""

from limner_clients.media import MediaClient
from limner_exports.formats import TargetFrame, TargetFrames
from limner_model.facts import JobFacts


async def target_frames(media: MediaClient, task_id: int, job: JobFacts | None) -> TargetFrames:
    """Return the frames of a task; with a job, only its frames are written to. Memory O(frames) for pictures.

    Raises:
        NotFound: The task has no data.
    """
    async with media.open_listing(task_id) as listing:
        facts = listing.facts
        video = facts.video
        targets = TargetFrames(
            size=facts.size,
            start_frame=facts.start_frame,
            step=facts.step,
            video_size=None if video is None else (video.width, video.height),
            included=None if job is None else _frames_of(job),
        )
        if video is None:
            number = 0
            async for frame in listing.frames():
                targets.add(TargetFrame(number, frame.name, frame.width, frame.height))
                number += 1
    return targets


def _frames_of(job: JobFacts) -> frozenset[int] | range:
    return range(job.start_frame, job.stop_frame + 1) if job.frames is None else frozenset(job.frames)
