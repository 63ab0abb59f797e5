"""The ``<meta>`` block of CVAT XML.

Source: FORMATS.md §4.1.
"""

import re
from datetime import UTC, datetime

from limner_exports.formats.base import DEFAULT_SUBSET, ExportContext, JobInfo, Person, ProjectInfo, SegmentInfo, TaskInfo
from limner_exports.formats.label_table import LabelInfo, LabelTable
from limner_exports.formats.xml_text import XMLTree, render_tree
from limner_model.labels import AttributeSpec, LabelSpec

_LABEL_ID = re.compile(r'data-label-id="(\d+)"')


def render_meta(context: ExportContext, labels: LabelTable) -> str:
    """Render the block, indented for its place below the root."""
    if context.project is not None:
        content: list[XMLTree] = [("project", _project(context.project, context, labels))]
    elif context.job is not None:
        content = [("job", _job(context.job, context, labels))]
    else:
        content = [("task", [*_task(context.tasks[0], context), _labels(labels), *_video(context.tasks[0])])]
    content.append(("dumped", _date(context.dumped_at)))
    if context.job is not None:
        content += [tree for tree in _video(context.tasks[0]) if tree[0] == "original_size"]
    return render_tree(("meta", content), "  ")


def _project(project: ProjectInfo, context: ExportContext, labels: LabelTable) -> list[XMLTree]:
    subsets = sorted({task.subset or DEFAULT_SUBSET for task in context.tasks})
    return [
        ("id", str(project.id)),
        ("name", project.name),
        ("bugtracker", project.bug_tracker),
        ("created", _date(project.created_at)),
        ("updated", _date(project.updated_at)),
        ("tasks", [("task", _task(task, context) + _video(task)) for task in context.tasks]),
        ("subsets", "\n".join(subsets)),
        ("owner", _person(project.owner)),
        ("assignee", _person(project.assignee)),
        _labels(labels),
    ]


def _task(task: TaskInfo, context: ExportContext) -> list[XMLTree]:
    return [
        ("id", str(task.id)),
        ("name", task.name),
        ("size", str(task.size)),
        ("mode", task.mode),
        ("overlap", str(task.overlap)),
        ("bugtracker", task.bug_tracker),
        ("created", _date(task.created_at)),
        ("updated", _date(task.updated_at)),
        ("subset", task.subset or DEFAULT_SUBSET),
        ("start_frame", str(task.start_frame)),
        ("stop_frame", str(task.stop_frame)),
        ("frame_filter", _frame_filter(task)),
        ("segments", [_segment(segment, context.host) for segment in task.segments]),
        ("owner", _person(task.owner)),
        ("assignee", _person(task.assignee)),
    ]


def _job(job: JobInfo, context: ExportContext, labels: LabelTable) -> list[XMLTree]:
    task = context.tasks[0]
    return [
        ("id", str(job.id)),
        ("size", str(job.stop - job.start + 1)),
        ("mode", task.mode),
        ("overlap", str(task.overlap)),
        ("bugtracker", task.bug_tracker),
        ("created", _date(task.created_at)),
        ("updated", _date(job.updated_at)),
        ("subset", task.subset or DEFAULT_SUBSET),
        ("start_frame", str(task.start_frame + job.start * task.step)),
        ("stop_frame", str(task.start_frame + job.stop * task.step)),
        ("frame_filter", _frame_filter(task)),
        ("segments", [_segment(SegmentInfo(job.id, job.start, job.stop), context.host)]),
        ("owner", _person(task.owner)),
        ("assignee", _person(job.assignee)),
        _labels(labels),
    ]


def _video(task: TaskInfo) -> list[XMLTree]:
    if not task.is_video:
        return []
    size: list[XMLTree] = [("width", str(task.width)), ("height", str(task.height))]
    return [("original_size", size), ("source", task.source_name)]


def _segment(segment: SegmentInfo, host: str) -> XMLTree:
    return (
        "segment",
        [
            ("id", str(segment.job_id)),
            ("start", str(segment.start)),
            ("stop", str(segment.stop)),
            ("url", f"{host}/api/jobs/{segment.job_id}"),
        ],
    )


def _labels(labels: LabelTable) -> XMLTree:
    names = {info.spec.id: info.name for info in labels.all}
    return ("labels", [("label", _label(info, names)) for info in labels.all])


def _label(info: LabelInfo, names: dict[int, str]) -> list[XMLTree]:
    tree: list[XMLTree] = [
        ("name", info.name),
        ("color", info.spec.color),
        ("type", info.spec.type),
        ("attributes", [("attribute", _attribute(spec)) for spec in info.attributes]),
    ]
    if info.spec.svg:
        tree.append(("svg", named_svg(info.spec, names)))
    if info.parent:
        tree.append(("parent", info.parent))
    return tree


def _attribute(spec: AttributeSpec) -> list[XMLTree]:
    return [
        ("name", spec.name),
        ("mutable", str(spec.mutable)),
        ("input_type", spec.input_type.value),
        ("default_value", spec.default_value),
        ("values", "\n".join(spec.values)),
    ]


def named_svg(label: LabelSpec, names: dict[int, str]) -> str:
    """The drawing of a skeleton with its points named by label instead of by id; ``names`` maps label ids."""
    return _LABEL_ID.sub(lambda found: f'data-label-name="{names.get(int(found[1]), "")}"', label.svg)


def _person(person: Person | None) -> "str | list[XMLTree]":
    return "" if person is None else [("username", person.username), ("email", person.email)]


def _frame_filter(task: TaskInfo) -> str:
    return f"step={task.step}" if task.step > 1 else ""


def _date(moment: datetime) -> str:
    return str(moment.astimezone(UTC))
