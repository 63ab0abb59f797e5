"""What can go wrong with an address that a user named. Messages name the host of that address and nothing of ours."""

from limner_common.errors import Invalid, NotFound, TooLarge, Unavailable


class EgressRefused(Invalid):
    """We do not send requests there: not HTTP, not a proper address, or not a public one."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="egress_refused")


class RemoteUnreachable(Unavailable):
    """The host has no address, does not answer, or breaks off."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="remote_unreachable", retry_after_seconds=30)


class RemoteTooLarge(TooLarge):
    """The host sends more than we take."""

    def __init__(self, host: str, max_bytes: int) -> None:
        super().__init__(f"What {host} sends is larger than {max_bytes} bytes.", code="remote_too_large")


class RemoteMissing(NotFound):
    """The host says that there is nothing at the address."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} has nothing at this address.", code="remote_missing")


class RemoteRejected(Invalid):
    """The host does not answer the request with what was asked for."""

    def __init__(self, host: str, status_code: int) -> None:
        super().__init__(f"{host} answered the request with status {status_code}.", code="remote_rejected")


class RemoteFailing(Unavailable):
    """The host says that it cannot answer now."""

    def __init__(self, host: str, status_code: int) -> None:
        message = f"{host} cannot answer now (status {status_code})."
        super().__init__(message, code="remote_failing", retry_after_seconds=30)
