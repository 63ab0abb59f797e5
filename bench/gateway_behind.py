"""The services behind a gateway, for ``bench.gateway``: answers at once, like a save or a chunk."""

import socket

import uvicorn
from starlette.types import Receive, Scope, Send

_SHAPE = (
    b'{"id":123456,"type":"rectangle","frame":3,"label_id":1,"points":[1.25,2.5,300.75,400.5],"attributes":[],"group":0,'
    b'"occluded":false,"outside":false,"z_order":0,"rotation":0.0,"source":"manual","elements":[]}'
)
_SAVED = b'{"version":0,"tags":[],"tracks":[],"shapes":[' + b",".join([_SHAPE] * 5) + b"]}"
_CHUNK = bytes(300 * 1024)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read all of a request and answer."""
    while (await receive()).get("more_body"):
        pass
    body, kind = (_CHUNK, b"application/zip") if scope["path"].endswith("/data") else (_SAVED, b"application/json")
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"x-request-id", b"r" * 32)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve until killed; the first line of the output is the port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="off", log_config=None, access_log=False, timeout_keep_alive=75
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
