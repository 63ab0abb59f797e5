"""Policies of projects, tasks, jobs and labels, and of guides and their assets.

Source: the access specification, sections 2.1 to 2.3, 2.5 and 2.7.
"""

from collections.abc import Mapping

from limner_api.access.principals import Relation
from limner_api.access.rules import (
    ANY,
    MAINTAINER,
    MEMBER,
    SUPERVISOR,
    USER,
    WORKER,
    Action,
    Rules,
    anywhere,
    organization,
    outsider,
    sandbox,
)


class ProjectAction(Action):
    """What can be done with a project. Labels, bug tracker and storages belong to its description."""

    CREATE = "project:create"
    IMPORT_BACKUP = "project:import:backup"
    LIST = "project:list"
    VIEW = "project:view"
    UPDATE_DESCRIPTION = "project:update:description"
    IMPORT_DATASET = "project:import:dataset"
    UPDATE_ASSIGNEE = "project:update:assignee"
    UPDATE_OWNER = "project:update:owner"
    UPDATE_ORGANIZATION = "project:update:organization"
    DELETE = "project:delete"
    EXPORT_ANNOTATIONS = "project:export:annotations"
    EXPORT_DATASET = "project:export:dataset"
    EXPORT_BACKUP = "project:export:backup"


class TaskAction(Action):
    """What can be done with a task. Metadata are its frames and which of them are deleted."""

    CREATE = "task:create"
    CREATE_IN_PROJECT = "task:create:in_project"
    IMPORT_BACKUP = "task:import:backup"
    LIST = "task:list"
    VIEW = "task:view"
    VIEW_DATA = "task:view:data"
    VIEW_METADATA = "task:view:metadata"
    VIEW_ANNOTATIONS = "task:view:annotations"
    EXPORT_ANNOTATIONS = "task:export:annotations"
    EXPORT_DATASET = "task:export:dataset"
    EXPORT_BACKUP = "task:export:backup"
    UPDATE_DESCRIPTION = "task:update:description"
    UPDATE_METADATA = "task:update:metadata"
    UPLOAD_DATA = "task:upload:data"
    UPDATE_ANNOTATIONS = "task:update:annotations"
    DELETE_ANNOTATIONS = "task:delete:annotations"
    IMPORT_ANNOTATIONS = "task:import:annotations"
    UPDATE_OWNER = "task:update:owner"
    UPDATE_ASSIGNEE = "task:update:assignee"
    UPDATE_PROJECT = "task:update:project"
    UPDATE_ORGANIZATION = "task:update:organization"
    DELETE = "task:delete"


class JobAction(Action):
    """What can be done with a job. Only ground truth jobs are created and deleted one by one."""

    CREATE = "job:create"
    LIST = "job:list"
    VIEW = "job:view"
    VIEW_DATA = "job:view:data"
    VIEW_METADATA = "job:view:metadata"
    VIEW_ANNOTATIONS = "job:view:annotations"
    EXPORT_ANNOTATIONS = "job:export:annotations"
    EXPORT_DATASET = "job:export:dataset"
    UPDATE_STATE = "job:update:state"
    UPDATE_METADATA = "job:update:metadata"
    UPDATE_ANNOTATIONS = "job:update:annotations"
    DELETE_ANNOTATIONS = "job:delete:annotations"
    IMPORT_ANNOTATIONS = "job:import:annotations"
    UPDATE_STAGE = "job:update:stage"
    UPDATE_ASSIGNEE = "job:update:assignee"
    DELETE = "job:delete"


class LabelAction(Action):
    """What can be done with labels; facts are those of the project, task or job they are asked through."""

    LIST = "label:list"
    VIEW = "label:view"
    CREATE = "label:create"
    UPDATE = "label:update"
    DELETE = "label:delete"


class GuideAction(Action):
    """What can be done with a guide; facts are those of its project or task, and of any job of it assigned to the caller."""

    VIEW = "guide:view"
    CREATE = "guide:create"
    UPDATE = "guide:update"
    DELETE = "guide:delete"


class AssetAction(Action):
    """What can be done with a guide's file; facts are those of the guide."""

    VIEW = "asset:view"
    VIEW_PUBLIC = "asset:view:public"
    CREATE = "asset:create"
    DELETE = "asset:delete"


PROJECT_STAFF = (Relation.PROJECT_OWNER, Relation.PROJECT_ASSIGNEE)
TASK_STAFF = (*PROJECT_STAFF, Relation.TASK_OWNER, Relation.TASK_ASSIGNEE)
TASK_MANAGERS = (*PROJECT_STAFF, Relation.TASK_OWNER)
JOB_STAFF = (*TASK_STAFF, Relation.JOB_ASSIGNEE)
JOB_MANAGERS = TASK_STAFF

_CREATE: Rules = (sandbox(USER), organization(USER, SUPERVISOR))
_LIST: Rules = (sandbox(ANY), organization(ANY, MEMBER))


def _readable_by(*staff: Relation) -> Rules:
    return (sandbox(ANY, *staff), organization(ANY, MEMBER, *staff), organization(USER, MAINTAINER))


def _writable_by(*staff: Relation) -> Rules:
    return (sandbox(WORKER, *staff), organization(WORKER, MEMBER, *staff), organization(USER, MAINTAINER))


_PROJECT_OWN = _writable_by(Relation.PROJECT_OWNER)
_PROJECT_READ = _readable_by(*PROJECT_STAFF)
_PROJECT_WRITE = _writable_by(*PROJECT_STAFF)
_TASK_READ = _readable_by(*TASK_STAFF)
_TASK_WRITE = _writable_by(*TASK_STAFF)
_TASK_MANAGE = _writable_by(*TASK_MANAGERS)

#: Crowd workers: assigned to a job of an organization they do not belong to. They read and annotate it, but do
#: not export, import or clear.
_CROWD: Rules = (outsider(WORKER, Relation.JOB_ASSIGNEE),)
_JOB_EXPORT = _readable_by(*JOB_STAFF)
_JOB_READ = (*_JOB_EXPORT, *_CROWD)
_JOB_REPLACE = _writable_by(*JOB_STAFF)
_JOB_WRITE = (*_JOB_REPLACE, *_CROWD)
_JOB_MANAGE = _writable_by(*JOB_MANAGERS)
_GROUND_TRUTH: Rules = (
    sandbox(USER, *JOB_MANAGERS),
    organization(USER, SUPERVISOR, *JOB_MANAGERS),
    organization(USER, MAINTAINER),
)

_GUIDE_READ = _writable_by(*JOB_STAFF)
_GUIDE_WRITE: Rules = (
    sandbox(USER, *TASK_STAFF),
    organization(USER, MEMBER, *TASK_STAFF),
    organization(USER, MAINTAINER),
)

PROJECTS: Mapping[Action, Rules] = {
    ProjectAction.CREATE: _CREATE,
    ProjectAction.IMPORT_BACKUP: _CREATE,
    ProjectAction.LIST: _LIST,
    ProjectAction.VIEW: _PROJECT_READ,
    ProjectAction.UPDATE_DESCRIPTION: _PROJECT_WRITE,
    ProjectAction.IMPORT_DATASET: _PROJECT_WRITE,
    ProjectAction.UPDATE_ASSIGNEE: _PROJECT_OWN,
    # In a personal workspace only an administrator gives a project to somebody else.
    ProjectAction.UPDATE_OWNER: (
        organization(WORKER, MAINTAINER, Relation.PROJECT_OWNER),
        organization(USER, MAINTAINER),
    ),
    ProjectAction.UPDATE_ORGANIZATION: _PROJECT_OWN,
    ProjectAction.DELETE: _PROJECT_OWN,
    ProjectAction.EXPORT_ANNOTATIONS: _PROJECT_READ,
    ProjectAction.EXPORT_DATASET: _PROJECT_READ,
    ProjectAction.EXPORT_BACKUP: _PROJECT_READ,
}

TASKS: Mapping[Action, Rules] = {
    TaskAction.CREATE: _CREATE,
    TaskAction.CREATE_IN_PROJECT: (
        sandbox(USER, *PROJECT_STAFF),
        organization(USER, MEMBER, *PROJECT_STAFF),
        organization(USER, SUPERVISOR),
    ),
    TaskAction.IMPORT_BACKUP: _CREATE,
    TaskAction.LIST: _LIST,
    TaskAction.VIEW: _TASK_READ,
    TaskAction.VIEW_DATA: _TASK_READ,
    TaskAction.VIEW_METADATA: _TASK_READ,
    TaskAction.VIEW_ANNOTATIONS: _TASK_READ,
    TaskAction.EXPORT_ANNOTATIONS: _TASK_READ,
    TaskAction.EXPORT_DATASET: _TASK_READ,
    TaskAction.EXPORT_BACKUP: _TASK_READ,
    TaskAction.UPDATE_DESCRIPTION: _TASK_WRITE,
    TaskAction.UPDATE_METADATA: _TASK_WRITE,
    TaskAction.UPLOAD_DATA: _TASK_WRITE,
    TaskAction.UPDATE_ANNOTATIONS: _TASK_WRITE,
    TaskAction.DELETE_ANNOTATIONS: _TASK_WRITE,
    TaskAction.IMPORT_ANNOTATIONS: _TASK_WRITE,
    TaskAction.UPDATE_OWNER: _TASK_MANAGE,
    TaskAction.UPDATE_ASSIGNEE: _TASK_MANAGE,
    TaskAction.UPDATE_PROJECT: _TASK_MANAGE,
    TaskAction.UPDATE_ORGANIZATION: _TASK_MANAGE,
    TaskAction.DELETE: _TASK_MANAGE,
}

JOBS: Mapping[Action, Rules] = {
    JobAction.CREATE: _GROUND_TRUTH,
    JobAction.LIST: _LIST,
    JobAction.VIEW: _JOB_READ,
    JobAction.VIEW_DATA: _JOB_READ,
    JobAction.VIEW_METADATA: _JOB_READ,
    JobAction.VIEW_ANNOTATIONS: _JOB_READ,
    JobAction.EXPORT_ANNOTATIONS: _JOB_EXPORT,
    JobAction.EXPORT_DATASET: _JOB_EXPORT,
    JobAction.UPDATE_STATE: _JOB_WRITE,
    JobAction.UPDATE_METADATA: _JOB_WRITE,
    JobAction.UPDATE_ANNOTATIONS: _JOB_WRITE,
    JobAction.DELETE_ANNOTATIONS: _JOB_REPLACE,
    JobAction.IMPORT_ANNOTATIONS: _JOB_REPLACE,
    JobAction.UPDATE_STAGE: _JOB_MANAGE,
    JobAction.UPDATE_ASSIGNEE: _JOB_MANAGE,
    JobAction.DELETE: _GROUND_TRUTH,
}

#: Labels follow the view right and the "update description" right of what they are asked through. The lines of jobs and
#: tasks serve projects too, because a project's facts hold none but project relations.
LABELS: Mapping[Action, Rules] = {
    LabelAction.LIST: _LIST,
    LabelAction.VIEW: _JOB_READ,
    LabelAction.CREATE: _TASK_WRITE,
    LabelAction.UPDATE: _TASK_WRITE,
    LabelAction.DELETE: _TASK_WRITE,
}

GUIDES: Mapping[Action, Rules] = {
    GuideAction.VIEW: _GUIDE_READ,
    GuideAction.CREATE: _GUIDE_WRITE,
    GuideAction.UPDATE: _GUIDE_WRITE,
    GuideAction.DELETE: _GUIDE_WRITE,
}

ASSETS: Mapping[Action, Rules] = {
    AssetAction.VIEW: _GUIDE_READ,
    AssetAction.VIEW_PUBLIC: (anywhere(ANY),),
    AssetAction.CREATE: _GUIDE_WRITE,
    AssetAction.DELETE: _GUIDE_WRITE,
}
