"""Spans of requests, coming and going."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from limner_common.observe import tracing

_UNTRACED = ("/health", "/metrics")
_INTERNAL = "/internal/"


class TracedRequests:
    """Middleware that makes each request a span, in the trace that its headers name; added only where traces are on.

    Args:
        app: Answers.
        service: Whose application it is.
        is_edge: Whether people reach it: what they say about recording a trace is not believed.
    """

    def __init__(self, app: ASGIApp, service: str, *, is_edge: bool) -> None:
        self._app = app
        self._service = service
        self._is_edge = is_edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(_UNTRACED):
            await self._app(scope, receive, send)
            return
        carried = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        is_edge = self._is_edge and not scope["path"].startswith(_INTERNAL)
        with tracing.entry(self._service, scope["method"], "server", carried, is_edge=is_edge) as span:
            assert span is not None

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        tracing.fail(span, str(message["status"]))
                await send(message)

            try:
                await self._app(scope, receive, send_noted)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.route", route)
