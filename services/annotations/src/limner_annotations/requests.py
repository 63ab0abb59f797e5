"""What routes of all features do with a request first."""

from starlette.requests import Request

from limner_annotations.container import AnnotationsContainer
from limner_common.errors import TooLarge
from limner_common.http.json import read_body


def container_of(request: Request) -> AnnotationsContainer:
    """Return the service's container."""
    container: AnnotationsContainer = request.app.state.container
    return container


async def read_document(container: AnnotationsContainer, request: Request) -> bytes:
    """Read the body of a request as a whole.

    Raises:
        TooLarge: It is longer than the limit for bodies; known from its announced length when it has one.
    """
    limit = container.resources.settings.max_body_bytes
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(f"The request body is larger than {limit} bytes.")
    return await read_body(request, limit_bytes=limit)
