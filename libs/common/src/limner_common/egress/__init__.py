"""Requests to addresses that users name, which may not reach what only we can reach."""

from limner_common.egress.addresses import AllowList, IPAddress
from limner_common.egress.client import EgressClient, EgressLimits, EgressRequest, EgressResponse
from limner_common.egress.errors import (
    EgressRefused,
    RemoteFailing,
    RemoteMissing,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
)
from limner_common.egress.resolver import Resolver, SystemResolver

__all__ = [
    "AllowList",
    "EgressClient",
    "EgressLimits",
    "EgressRefused",
    "EgressRequest",
    "EgressResponse",
    "IPAddress",
    "RemoteFailing",
    "RemoteMissing",
    "RemoteRejected",
    "RemoteTooLarge",
    "RemoteUnreachable",
    "Resolver",
    "SystemResolver",
]
