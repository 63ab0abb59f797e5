"""Policies of issues and comments, and of what is worked out about annotations: quality, consensus, models, analytics.

Source: the access specification, sections 2.4 and 2.9.
"""

from collections.abc import Mapping

from limner_api.access.catalog_policies import JOB_STAFF, JOBS, TASK_STAFF, TASKS, JobAction, TaskAction
from limner_api.access.principals import Relation
from limner_api.access.rules import (
    ANY,
    BUSINESS,
    MAINTAINER,
    MEMBER,
    USER,
    WORKER,
    Action,
    Rules,
    anywhere,
    at_least,
    organization,
    sandbox,
)


class IssueAction(Action):
    """What can be done with an issue; ``create`` is asked of its job."""

    CREATE = "issue:create"
    LIST = "issue:list"
    VIEW = "issue:view"
    UPDATE = "issue:update"
    DELETE = "issue:delete"


class CommentAction(Action):
    """What can be done with a comment; ``create`` is asked of its issue."""

    CREATE = "comment:create"
    LIST = "comment:list"
    VIEW = "comment:view"
    UPDATE = "comment:update"
    DELETE = "comment:delete"


class QualityAction(Action):
    """What can be done about quality and consensus; facts are those of the task, or of the project or job asked about."""

    LIST = "quality:list"
    VIEW = "quality:view"
    UPDATE_SETTINGS = "quality:update:settings"
    CREATE_REPORT = "quality:create:report"


class LambdaAction(Action):
    """What can be done with models; facts of calls and requests are those of the task or job they work on."""

    LIST = "lambda:list"
    VIEW = "lambda:view"
    CALL_ONLINE = "lambda:call:online"
    CREATE_REQUEST = "lambda:create:request"
    VIEW_REQUEST = "lambda:view:request"
    CANCEL_REQUEST = "lambda:cancel:request"


class AnalyticsAction(Action):
    """What can be done with analytics; facts of reports are those of the project, task or job they are about."""

    VIEW_PAGE = "analytics:view:page"
    VIEW_PUBLIC_PAGE = "analytics:view:public_page"
    CREATE_REPORT = "analytics:create:report"
    VIEW_REPORT = "analytics:view:report"


class EventAction(Action):
    """What can be done with the log of events. A dump holds one's own unless the caller is admin or maintainer."""

    SEND = "event:send"
    DUMP = "event:dump"


ISSUE_STAFF = (*JOB_STAFF, Relation.ISSUE_OWNER, Relation.ISSUE_ASSIGNEE)

_LIST: Rules = (sandbox(ANY), organization(ANY, MEMBER))


def _writable_by(*relations: Relation) -> Rules:
    return (sandbox(WORKER, *relations), organization(WORKER, MEMBER, *relations), organization(USER, MAINTAINER))


def _readable_by(*relations: Relation) -> Rules:
    return (sandbox(ANY, *relations), organization(ANY, MEMBER, *relations), organization(USER, MAINTAINER))


ISSUES: Mapping[Action, Rules] = {
    IssueAction.CREATE: _writable_by(*JOB_STAFF),
    IssueAction.LIST: _LIST,
    IssueAction.VIEW: _readable_by(*ISSUE_STAFF),
    IssueAction.UPDATE: _writable_by(*ISSUE_STAFF),
    # Neither the job's nor the issue's assignee removes what a reviewer wrote.
    IssueAction.DELETE: _writable_by(*TASK_STAFF, Relation.ISSUE_OWNER),
}

COMMENTS: Mapping[Action, Rules] = {
    CommentAction.CREATE: _writable_by(*ISSUE_STAFF),
    CommentAction.LIST: _LIST,
    CommentAction.VIEW: _readable_by(*ISSUE_STAFF, Relation.COMMENT_OWNER),
    # Others' words are changed only by the staff of the task; the specification recommends this over its reference.
    CommentAction.UPDATE: _writable_by(*TASK_STAFF, Relation.COMMENT_OWNER),
    CommentAction.DELETE: _writable_by(*TASK_STAFF, Relation.COMMENT_OWNER),
}

QUALITY: Mapping[Action, Rules] = {
    QualityAction.LIST: _LIST,
    QualityAction.VIEW: TASKS[TaskAction.VIEW],
    QualityAction.UPDATE_SETTINGS: TASKS[TaskAction.UPDATE_DESCRIPTION],
    QualityAction.CREATE_REPORT: TASKS[TaskAction.UPDATE_DESCRIPTION],
}

LAMBDA: Mapping[Action, Rules] = {
    LambdaAction.LIST: (anywhere(ANY),),
    LambdaAction.VIEW: (anywhere(ANY),),
    LambdaAction.CALL_ONLINE: at_least(WORKER, JOBS[JobAction.VIEW]),
    # A run writes annotations, so it needs that right too; the specification recommends this over its reference.
    LambdaAction.CREATE_REQUEST: at_least(WORKER, JOBS[JobAction.UPDATE_ANNOTATIONS]),
    LambdaAction.VIEW_REQUEST: at_least(WORKER, JOBS[JobAction.VIEW]),
    LambdaAction.CANCEL_REQUEST: at_least(WORKER, JOBS[JobAction.VIEW]),
}

ANALYTICS: Mapping[Action, Rules] = {
    AnalyticsAction.VIEW_PAGE: (),
    AnalyticsAction.VIEW_PUBLIC_PAGE: (anywhere(BUSINESS),),
    AnalyticsAction.CREATE_REPORT: at_least(USER, JOBS[JobAction.VIEW]),
    AnalyticsAction.VIEW_REPORT: at_least(WORKER, JOBS[JobAction.VIEW]),
}

EVENTS: Mapping[Action, Rules] = {
    EventAction.SEND: (anywhere(ANY),),
    EventAction.DUMP: (sandbox(WORKER), organization(WORKER, MEMBER)),
}
