"""The HTTP application: routes, the form of every error, the web UI, and the guard around it all."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openassistant import __version__
from openassistant.errors import Internal, OaError
from services.gateway import problems, scopes, views
from services.gateway.gateway import Gateway
from services.gateway.guard import Guard, is_api, is_hook
from services.gateway.pages import Pages
from services.gateway.routes import (
    approvals,
    commands,
    completions,
    conversations,
    copies,
    data,
    given,
    health,
    hooks,
    household,
    keys,
    ledger,
    left,
    loans,
    looks,
    memories,
    model,
    moving,
    notices,
    oauth,
    openid,
    outcomes,
    people,
    public,
    routing,
    rules,
    schedules,
    security,
    services,
    shelf,
    tokens,
    undoable,
    usage,
)
from services.gateway.settings import GatewaySettings

__all__ = ["create_api", "create_app"]

_PROBLEM = "application/problem+json"
_ROUTES = (
    people,
    household,
    public,
    openid,
    security,
    tokens,
    data,
    copies,
    moving,
    keys,
    shelf,
    conversations,
    given,
    commands,
    looks,
    completions,
    approvals,
    outcomes,
    notices,
    undoable,
    rules,
    memories,
    schedules,
    services,
    loans,
    oauth,
    routing,
    model,
    usage,
    ledger,
    left,
    hooks,
    health,
)

_SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": "oa"},
    "token": {"type": "http", "scheme": "bearer", "description": scopes.described()},
}

_log = logging.getLogger("openassistant.gateway")


def create_app(gateway: Gateway, settings: GatewaySettings) -> FastAPI:
    """The whole application over the room's parts."""
    app = create_api()
    app.state.gateway = gateway
    # The router's last resort, and no route of its own: a known path with a wrong method stays a 405.
    app.router.default = _Elsewhere(GZipMiddleware(Pages(settings.web_dir), minimum_size=1024, compresslevel=6))
    app.add_middleware(_Faults)
    app.add_middleware(Guard, hosts=(settings.host, *settings.allowed_hosts))
    return app


def create_api() -> FastAPI:
    """The routes and their errors: what the OpenAPI document is made from."""
    app = _Api(
        title="Open Assistant",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        redirect_slashes=False,
        responses={"default": {"model": views.Problem, "description": "What went wrong (RFC 9457)"}},
    )
    for each in _ROUTES:
        app.include_router(each.router)
    app.add_exception_handler(OaError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_status)
    return app


class _Api(FastAPI):
    """FastAPI, with errors documented as what they are."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["components"]["securitySchemes"] = _SCHEMES
            for route, operation in _operations(document):
                default = operation["responses"]["default"]
                if not route.partition(" ")[2].startswith("/v1/"):
                    default["content"] = {_PROBLEM: default["content"].pop("application/json")}
                operation["security"] = _security(scopes.TABLE.get(route, scopes.SESSION))
        return super().openapi()


class _Elsewhere:
    """What no route has: nothing below /api, /v1 and /hooks, the web UI everywhere else."""

    def __init__(self, pages: ASGIApp) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_api(scope["path"]) or is_hook(scope["path"]):
            raise HTTPException(404, "The API has no such address.")
        await self._pages(scope, receive, send)


class _Faults:
    """The outermost edge: what nobody expected is written down by type and place, and told as a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sent(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except ClientDisconnect:
            return
        except Exception as error:
            if started:
                raise  # the server cuts the connection, so that half an answer does not pass for a whole one
            _write_down(scope, error)
            problem = problems.of_status(500, "Something went wrong here. The log says where.")
            await problems.response(problem, scope["path"])(scope, receive, send)


def _operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each operation with its route, as the table of scopes names it."""
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _security(row: scopes.Row) -> list[dict[str, list[str]]]:
    """What opens an operation: a session or, with one of these scopes, a token (OpenAPI 3.1 allows roles here)."""
    if row is None:
        return []
    tokens: list[dict[str, list[str]]] = [{"token": [scope]} for scope in scopes.in_order(row)]
    return [{"session": []}, *tokens]


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OaError)
    if isinstance(error, Internal):
        _write_down(request.scope, error)
    return problems.answer(error, request.url.path)


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return problems.response(problems.of_status(400, "The body is not JSON."), request.url.path)
    return problems.response(problems.of_validation(found), request.url.path)


async def _on_status(request: Request, error: Exception) -> JSONResponse:
    """The framework's own refusals; its words stay out, save ours."""
    assert isinstance(error, HTTPException)
    answer = problems.response(problems.of_status(error.status_code, _words(error)), request.url.path)
    answer.headers.update(error.headers or {})
    return answer


def _words(error: HTTPException) -> str:
    return error.detail if error.status_code == 404 and error.detail != "Not Found" else ""


def _write_down(scope: Scope, error: Exception) -> None:
    """The route's pattern, not the address: that may hold what nobody should read in a log."""
    route = getattr(scope.get("route"), "path", None)
    _log.error("request failed", exc_info=error, extra={"method": scope["method"], "route": route})
