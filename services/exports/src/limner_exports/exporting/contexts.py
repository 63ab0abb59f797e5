"""From facts to the scope as the formats describe it. Pure."""

from datetime import UTC, datetime

from limner_exports.exporting.orders import ExportOrder
from limner_exports.exporting.pinning import PinnedScope, PinnedTask
from limner_exports.formats import ExportContext, JobInfo, Person, ProjectInfo, SegmentInfo, TaskInfo
from limner_model.facts import JobFacts, PersonFacts, ProjectFacts
from limner_model.labels import LabelSchema

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def context_of(order: ExportOrder, scope: PinnedScope) -> ExportContext:
    """Return the description of a scope; the time in the files is that of the last change of the facts."""
    tasks = tuple(task_info(task) for task in scope.tasks)
    times = [task.updated_at for task in tasks]
    project = None if scope.project is None else _project(scope.project)
    if project is not None:
        times.append(project.updated_at)
    return ExportContext(
        kind=order.kind,
        tasks=tasks,
        labels=LabelSchema(version=0, labels=scope.labels),
        dumped_at=max(times, default=_LONG_AGO),
        project=project,
        job=None if scope.job is None else _job(scope.job, tasks[0].updated_at),
        host=order.host,
        save_images=order.save_images,
    )


def task_info(task: PinnedTask) -> TaskInfo:
    """Return a task as the files describe it."""
    facts, media = task.facts, task.media
    video = media.video
    segments = sorted((job for job in facts.jobs if job.type == "annotation"), key=lambda job: job.id)
    return TaskInfo(
        id=facts.id,
        name=facts.name,
        mode=facts.mode or media.mode,
        size=media.size,
        created_at=_time(facts.created_date),
        updated_at=_time(facts.updated_date),
        start_frame=media.start_frame,
        stop_frame=media.stop_frame,
        step=media.step,
        overlap=facts.overlap,
        subset=facts.subset,
        bug_tracker=facts.bug_tracker,
        owner=_person(facts.owner),
        assignee=_person(facts.assignee),
        segments=tuple(SegmentInfo(job.id, job.start_frame, job.stop_frame) for job in segments),
        source_name="" if video is None else video.name,
        width=0 if video is None else video.width,
        height=0 if video is None else video.height,
        deleted_frames=frozenset(media.deleted_frames),
    )


def _job(job: JobFacts, updated_at: datetime) -> JobInfo:
    assignee = None if job.assignee is None else Person(job.assignee)
    return JobInfo(id=job.id, start=job.start_frame, stop=job.stop_frame, updated_at=updated_at, assignee=assignee)


def _project(facts: ProjectFacts) -> ProjectInfo:
    return ProjectInfo(
        id=facts.id,
        name=facts.name,
        created_at=_time(facts.created_date),
        updated_at=_time(facts.updated_date),
        bug_tracker=facts.bug_tracker,
        owner=_person(facts.owner),
        assignee=_person(facts.assignee),
    )


def _person(facts: PersonFacts | None) -> Person | None:
    return None if facts is None else Person(facts.username, facts.email)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else _LONG_AGO
