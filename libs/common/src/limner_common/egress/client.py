"""Requests to addresses that users name: downloads, webhooks, remote files."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import httpx

from limner_common.egress.addresses import AllowList, IPAddress, check_name, is_permitted, literal_address, refusal
from limner_common.egress.errors import (
    EgressRefused,
    RemoteFailing,
    RemoteMissing,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
)
from limner_common.egress.resolver import Resolver, SystemResolver

_MAX_URL_LENGTH: Final = 8192
#: Addresses of one host that are tried.
_MAX_ADDRESSES: Final = 4
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_FOLLOWING_METHODS: Final = frozenset({"GET", "HEAD"})
#: What another host may see of the headers meant for the first; never credentials.
_PORTABLE_HEADERS: Final = frozenset({"accept", "accept-encoding", "accept-language", "range", "user-agent"})


@dataclass(frozen=True, slots=True)
class EgressLimits:
    """How much a request may take.

    Attributes:
        max_bytes: Longest body accepted, after decoding.
        timeout_seconds: For all of it: names, redirects, and reading the body to its end.
        connect_timeout_seconds: For connecting to one address.
        idle_timeout_seconds: How long the other side may be silent.
        max_redirects: How many redirects are followed.
    """

    max_bytes: int = 1 << 30
    timeout_seconds: float = 300.0
    connect_timeout_seconds: float = 10.0
    idle_timeout_seconds: float = 30.0
    max_redirects: int = 5


@dataclass(frozen=True, slots=True)
class EgressRequest:
    """What to ask.

    Attributes:
        url: Absolute, http or https, without user name and password.
        method: Upper case.
        headers: Sent with it; to another host after a redirect only harmless ones.
        content: Body, or None.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    content: bytes | None = None


class EgressClient:
    """Sends requests to public addresses only, unless the operator allows others.

    A name is looked up here, all its addresses must be permitted, and the connection goes to one of the very addresses
    that were checked, with the name in ``Host`` and TLS; so a name that changes its address between check and
    connection gains nothing. Each redirect is checked like the first address. Proxies of the environment, cookies
    and credentials in URLs are not used, and no connection is used twice.

    Args:
        allow: What may be reached beside public addresses.
        limits: Defaults for all requests.
        resolver: Finds addresses; the system's when None.
        ssl_context: Whom to trust; the usual authorities, or those of ``SSL_CERT_FILE``, when None.
        user_agent: How we call ourselves.
    """

    def __init__(
        self,
        allow: AllowList | None = None,
        *,
        limits: EgressLimits | None = None,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        user_agent: str = "Limner",
    ) -> None:
        self._allow = allow or AllowList()
        self._limits = limits or EgressLimits()
        self._resolver = resolver or SystemResolver()
        self._ssl_context = ssl_context
        self._user_agent = user_agent
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def aclose(self) -> None:
        """Close what is open. Idempotent."""
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    @asynccontextmanager
    async def stream(self, request: EgressRequest, *, limits: EgressLimits | None = None) -> AsyncIterator["EgressResponse"]:
        """Send the request and give the answer, whatever its status, when its headers are there.

        Redirects of GET and HEAD are followed, from https to https only; other methods give the redirect itself.

        Args:
            request: What to ask.
            limits: Instead of the client's.

        Raises:
            EgressRefused: The URL, or one it redirects to, is not permitted; nothing was sent there.
            RemoteUnreachable: The host cannot be reached, or not in time.
            RemoteTooLarge: The announced length is over the limit; iterating raises it for an unannounced one.
            RemoteRejected: There are too many redirects.
        """
        limits = limits or self._limits
        deadline = asyncio.get_running_loop().time() + limits.timeout_seconds
        url, response = await self._follow(request, limits, deadline)
        try:
            yield EgressResponse(url, response, limits.max_bytes, deadline)
        finally:
            await response.aclose()

    async def _follow(
        self, request: EgressRequest, limits: EgressLimits, deadline: float
    ) -> tuple[httpx.URL, httpx.Response]:
        url = _parse(request.url)
        headers = {"user-agent": self._user_agent, "accept-encoding": "identity"}
        headers |= {name.lower(): value for name, value in (request.headers or {}).items()}
        for _ in range(limits.max_redirects + 1):
            with _remote_errors(url.host):
                async with asyncio.timeout_at(deadline):
                    response = await self._send(request, url, headers, limits)
            if request.method not in _FOLLOWING_METHODS or response.status_code not in _REDIRECTS:
                return url, response
            await response.aclose()
            target = _redirect_target(url, response)
            if (target.scheme, target.netloc) != (url.scheme, url.netloc):
                headers = {name: value for name, value in headers.items() if name in _PORTABLE_HEADERS}
            url = target
        raise EgressRefused(f"{url.host} redirects too often.")

    async def _send(
        self, request: EgressRequest, url: httpx.URL, headers: Mapping[str, str], limits: EgressLimits
    ) -> httpx.Response:
        """Send to the first address of the host that takes the connection."""
        *others, last = (await self._permitted_addresses(url))[:_MAX_ADDRESSES]
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._send_to(address, request, url, headers, limits)
        return await self._send_to(last, request, url, headers, limits)

    async def _permitted_addresses(self, url: httpx.URL) -> Sequence[IPAddress]:
        host = _host(url)
        address = literal_address(host)
        if address is None:
            check_name(host, self._allow)
            addresses = await self._resolver.resolve(host)
        else:
            addresses = [address]
        # One forbidden address is enough: it would be a matter of chance which one is used.
        if not all(is_permitted(address, host, self._allow) for address in addresses):
            raise refusal(host)
        return addresses

    async def _send_to(
        self,
        address: IPAddress,
        request: EgressRequest,
        url: httpx.URL,
        headers: Mapping[str, str],
        limits: EgressLimits,
    ) -> httpx.Response:
        idle, connect = limits.idle_timeout_seconds, limits.connect_timeout_seconds
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=str(address), fragment=None),
            headers={**headers, "host": url.netloc.decode("ascii")},
            content=request.content,
            extensions={
                "sni_hostname": _host(url),
                "timeout": {"connect": connect, "read": idle, "write": idle, "pool": idle},
            },
        )
        return await self._open_transport().handle_async_request(pinned)

    def _open_transport(self) -> httpx.AsyncHTTPTransport:
        if self._transport is None:
            self._transport = httpx.AsyncHTTPTransport(
                verify=self._ssl_context or httpx.create_ssl_context(),
                trust_env=False,
                # A connection kept open is known by its address, and could be used for another name at it.
                limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
            )
        return self._transport


class EgressResponse:
    """An answer whose body is still to be read; iterate once.

    Attributes:
        url: Where it came from in the end.
        host: Host of that URL.
        status_code: HTTP status.
        headers: Names in any case.
    """

    def __init__(self, url: httpx.URL, response: httpx.Response, max_bytes: int, deadline: float) -> None:
        self.url = str(url)
        self.host = url.host
        self.status_code = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._max_bytes = max_bytes
        self._deadline = deadline
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > max_bytes:
            raise RemoteTooLarge(self.host, max_bytes)

    def require_success(self) -> None:
        """Return when the status is a 2xx.

        Raises:
            RemoteMissing: 404 or 410.
            RemoteFailing: 429 or a 5xx; asking later may help.
            RemoteRejected: Anything else.
        """
        status = self.status_code
        if status in {404, 410}:
            raise RemoteMissing(self.host)
        if status == 429 or status >= 500:
            raise RemoteFailing(self.host, status)
        if not 200 <= status < 300:
            raise RemoteRejected(self.host, status)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body, decoded, in blocks as they arrive.

        Raises:
            RemoteTooLarge: It is longer than the limit; what was yielded is of no use.
            RemoteUnreachable: It breaks off, is silent too long, or takes too long in all.
        """
        total = 0
        blocks = self._response.aiter_bytes()
        while True:
            with _remote_errors(self.host):
                async with asyncio.timeout_at(self._deadline):
                    block = await anext(blocks, None)
            if block is None:
                return
            total += len(block)
            if total > self._max_bytes:
                raise RemoteTooLarge(self.host, self._max_bytes)
            yield block

    async def read(self) -> bytes:
        """Return the whole body; errors as when iterating. For small ones: mind the limit."""
        return b"".join([block async for block in self])


@contextmanager
def _remote_errors(host: str) -> Iterator[None]:
    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise RemoteUnreachable(f"{host} does not answer in time.") from None
    except httpx.TransportError:
        raise RemoteUnreachable(f"{host} cannot be reached.") from None
    except httpx.DecodingError:
        raise RemoteUnreachable(f"What {host} sends cannot be decoded.") from None


def _parse(text: str) -> httpx.URL:
    if len(text) > _MAX_URL_LENGTH:
        raise EgressRefused("The URL is too long.")
    try:
        return _check_url(httpx.URL(text))
    except (httpx.InvalidURL, ValueError):
        raise EgressRefused("The URL is not valid.") from None


def _check_url(url: httpx.URL) -> httpx.URL:
    if url.scheme not in {"http", "https"} or not url.host:
        raise EgressRefused("The URL is not an absolute http or https URL.")
    if url.port is not None and not 0 < url.port < 65536:
        raise EgressRefused("The URL has a port that does not exist.")
    if url.userinfo:
        raise EgressRefused("The URL must not hold a user name or password.")
    return url


def _redirect_target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        target = _check_url(url.join(response.headers["location"]))
    except (httpx.InvalidURL, ValueError, KeyError):
        raise EgressRefused(f"{url.host} redirects to something that is not a URL.") from None
    if (url.scheme, target.scheme) == ("https", "http"):
        raise EgressRefused(f"{url.host} redirects from https to http.")
    return target


def _host(url: httpx.URL) -> str:
    """Return the host in ASCII and lower case, without the dot that makes a name absolute."""
    return url.raw_host.decode("ascii").lower().strip("[]").removesuffix(".")
