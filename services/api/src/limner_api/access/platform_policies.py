"""Policies of cloud storages, webhooks, the server itself, background requests and access tokens.

Source: the access specification, sections 2.6 and 2.9; requests and access tokens belong to whoever made them.
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
    public,
    sandbox,
)


class CloudStorageAction(Action):
    """What can be done with a cloud storage."""

    CREATE = "cloudstorage:create"
    LIST = "cloudstorage:list"
    VIEW = "cloudstorage:view"
    VIEW_STATUS = "cloudstorage:view:status"
    VIEW_PREVIEW = "cloudstorage:view:preview"
    VIEW_CONTENT = "cloudstorage:view:content"
    UPDATE = "cloudstorage:update"
    DELETE = "cloudstorage:delete"


class WebhookAction(Action):
    """What can be done with a webhook, by its type.

    Viewing includes its deliveries, updating includes pinging and delivering again. Facts of a project's webhook are those
    of the project, with ``Relation.OWNER`` for whoever made the webhook.
    """

    LIST = "webhook:list"
    CREATE_PROJECT = "webhook:create:project"
    VIEW_PROJECT = "webhook:view:project"
    UPDATE_PROJECT = "webhook:update:project"
    DELETE_PROJECT = "webhook:delete:project"
    CREATE_ORGANIZATION = "webhook:create:organization"
    VIEW_ORGANIZATION = "webhook:view:organization"
    UPDATE_ORGANIZATION = "webhook:update:organization"
    DELETE_ORGANIZATION = "webhook:delete:organization"
    CREATE_SERVER = "webhook:create:server"
    VIEW_SERVER = "webhook:view:server"
    UPDATE_SERVER = "webhook:update:server"
    DELETE_SERVER = "webhook:delete:server"


class ServerAction(Action):
    """What can be asked of the server. ``VIEW`` covers formats and plugins."""

    ABOUT = "server:about"
    SCHEMA = "server:schema"
    VIEW = "server:view"
    LIST_SHARE = "server:list:share"
    VIEW_METRICS = "server:view:metrics"


class RequestAction(Action):
    """What can be done with a background request."""

    LIST = "request:list"
    VIEW = "request:view"
    CANCEL = "request:cancel"


class AccessTokenAction(Action):
    """What can be done with access tokens. ``VIEW_USED`` is the token the call itself came with."""

    CREATE = "accesstoken:create"
    LIST = "accesstoken:list"
    VIEW = "accesstoken:view"
    VIEW_USED = "accesstoken:view:used"
    UPDATE = "accesstoken:update"
    DELETE = "accesstoken:delete"


_OWN: Rules = (anywhere(ANY, Relation.OWNER),)

_STORAGE_READ: Rules = (
    sandbox(ANY, Relation.OWNER),
    organization(ANY, MEMBER, Relation.OWNER),
    organization(USER, SUPERVISOR),
)
_STORAGE_WRITE: Rules = (
    sandbox(WORKER, Relation.OWNER),
    organization(WORKER, MEMBER, Relation.OWNER),
    organization(USER, MAINTAINER),
)

_PROJECT_HOOK: Rules = (
    sandbox(WORKER, Relation.PROJECT_OWNER, Relation.OWNER),
    organization(WORKER, MEMBER, Relation.PROJECT_OWNER, Relation.OWNER),
    organization(WORKER, MAINTAINER),
)
_ORGANIZATION_HOOK: Rules = (organization(WORKER, MAINTAINER),)
#: Administrators only.
_SERVER_HOOK: Rules = ()

CLOUD_STORAGES: Mapping[Action, Rules] = {
    CloudStorageAction.CREATE: (sandbox(USER), organization(USER, MAINTAINER)),
    CloudStorageAction.LIST: (sandbox(ANY), organization(ANY, MEMBER)),
    CloudStorageAction.VIEW: _STORAGE_READ,
    CloudStorageAction.VIEW_STATUS: _STORAGE_READ,
    CloudStorageAction.VIEW_PREVIEW: _STORAGE_READ,
    CloudStorageAction.VIEW_CONTENT: _STORAGE_READ,
    CloudStorageAction.UPDATE: _STORAGE_WRITE,
    CloudStorageAction.DELETE: _STORAGE_WRITE,
}

WEBHOOKS: Mapping[Action, Rules] = {
    WebhookAction.LIST: (sandbox(ANY), organization(ANY, MEMBER)),
    WebhookAction.CREATE_PROJECT: _PROJECT_HOOK,
    WebhookAction.VIEW_PROJECT: _PROJECT_HOOK,
    WebhookAction.UPDATE_PROJECT: _PROJECT_HOOK,
    WebhookAction.DELETE_PROJECT: _PROJECT_HOOK,
    WebhookAction.CREATE_ORGANIZATION: _ORGANIZATION_HOOK,
    WebhookAction.VIEW_ORGANIZATION: _ORGANIZATION_HOOK,
    WebhookAction.UPDATE_ORGANIZATION: _ORGANIZATION_HOOK,
    WebhookAction.DELETE_ORGANIZATION: _ORGANIZATION_HOOK,
    WebhookAction.CREATE_SERVER: _SERVER_HOOK,
    WebhookAction.VIEW_SERVER: _SERVER_HOOK,
    WebhookAction.UPDATE_SERVER: _SERVER_HOOK,
    WebhookAction.DELETE_SERVER: _SERVER_HOOK,
}

SERVER: Mapping[Action, Rules] = {
    ServerAction.ABOUT: (public(),),
    ServerAction.SCHEMA: (public(),),
    ServerAction.VIEW: (anywhere(ANY),),
    ServerAction.LIST_SHARE: (anywhere(USER),),
    #: Administrators only.
    ServerAction.VIEW_METRICS: (),
}

REQUESTS: Mapping[Action, Rules] = {
    RequestAction.LIST: (anywhere(ANY),),
    RequestAction.VIEW: _OWN,
    RequestAction.CANCEL: _OWN,
}

ACCESS_TOKENS: Mapping[Action, Rules] = {
    AccessTokenAction.CREATE: (anywhere(ANY),),
    AccessTokenAction.LIST: (anywhere(ANY),),
    AccessTokenAction.VIEW: _OWN,
    AccessTokenAction.VIEW_USED: (anywhere(ANY),),
    AccessTokenAction.UPDATE: _OWN,
    AccessTokenAction.DELETE: _OWN,
}
