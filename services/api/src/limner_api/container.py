"""The service's container: adapters and settings its features use."""

from starlette.requests import HTTPConnection

from limner_api.identity.hashing import Passwords
from limner_api.identity.limits import FailureLimiter
from limner_api.requests.live import LiveHub
from limner_api.server.schema import PublicSchema
from limner_api.settings import ApiSettings
from limner_common.service import Resources
from limner_common.work import WorkQueue


class ApiContainer:
    """Everything routes, consumers and workers of the service reach their adapters through.

    Args:
        resources: What the service runs on.
        settings: The service's own settings; read from the environment when None.
    """

    def __init__(self, resources: Resources, settings: ApiSettings | None = None) -> None:
        self.resources = resources
        self.keyring = resources.keyring
        self.database = resources.database
        self.queue = WorkQueue()
        self.settings = settings or ApiSettings()
        self.live = LiveHub(resources.database.signals)
        self.schema = PublicSchema(resources.upstreams)
        self.passwords = Passwords(self.settings.password_threads)
        self.login_failures = FailureLimiter(
            self.settings.login_failures_max, self.settings.login_failures_seconds, shared=resources.tally
        )

    async def __aenter__(self) -> "ApiContainer":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.live.close()

    def client_address(self, request: HTTPConnection) -> str:
        """Return the address a request comes from, as far as we can believe it; "" when there is none."""
        if self.settings.is_behind_proxy and (forwarded := request.headers.get("x-forwarded-for")):
            return forwarded.split(",")[-1].strip()  # the last entry is our proxy's own
        return request.client.host if request.client else ""

    def base_url(self, request: HTTPConnection) -> str:
        """Return the address the client sees us at, without a slash at the end; absolute URLs start with it."""
        if self.settings.public_url is not None:
            return self.settings.public_url
        scheme, host = request.url.scheme, request.headers.get("host") or request.url.netloc
        if self.settings.is_behind_proxy:
            scheme = _first(request.headers.get("x-forwarded-proto")) or scheme
            host = _first(request.headers.get("x-forwarded-host")) or host
        return f"{scheme}://{host}{self.settings.base_path}"

    def origin(self, request: HTTPConnection) -> str:
        """Return scheme and host as the client sees us; what browsers call our origin."""
        return self.base_url(request).removesuffix(self.settings.base_path)


def _first(value: str | None) -> str:
    return (value or "").split(",")[0].strip()
