"""Where to ask a relay how it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import Callable, Optional

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from .log import silent


async def serve_admin(
    host: str, port: int, text: Callable[[], str], trouble: Callable[[], Optional[str]]
) -> Server:
    """Answers `GET /healthz` and `GET /metrics`. It takes no password: it is for loopback, or behind something."""

    def answer(connection: ServerConnection, request: Request) -> Response:
        if request.path == "/healthz":
            wrong = trouble()
            if wrong is not None:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, wrong + "\n")
            return connection.respond(HTTPStatus.OK, "ok\n")
        if request.path == "/metrics":
            response = connection.respond(HTTPStatus.OK, text())
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "text/plain; version=0.0.4; charset=utf-8"
            return response
        return connection.respond(HTTPStatus.NOT_FOUND, "there are /healthz and /metrics\n")

    async def nobody(connection: ServerConnection) -> None:
        # Every request was answered before it could become a connection.
        await connection.close()

    return await serve(nobody, host, port, process_request=answer, server_header=None, logger=silent())
