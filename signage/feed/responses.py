"""How the feed answers: what may be cached, what has not changed, and what went wrong."""

import hashlib
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from signage.feed import feed

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CACHED = "public, max-age=5, stale-while-revalidate=30, stale-if-error=300"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Date, Age, Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}
_RETRY_AFTER_S = 5


def conditional(request: web.Request, body: bytes, tag: str, kind: str) -> web.Response:
    """The body, or 304 for whoever has it."""
    headers = dict(CORS) | {"ETag": f'"{tag}"', "Cache-Control": CACHED}
    asked = request.if_none_match or ()
    if any(known.value in (tag, "*") for known in asked):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=body, content_type=kind, headers=headers)


def tag_of(body: bytes) -> str:
    """A strong ETag."""
    return hashlib.sha256(body).hexdigest()[:24]


def problem(status: int, detail: str = "", retry_after_s: int | None = None) -> web.Response:
    """An error as RFC 9457 wants it."""
    said = feed.Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    headers = dict(CORS) | {"Cache-Control": "no-store"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return web.Response(
        status=status,
        body=msgspec.json.encode(said),
        content_type="application/problem+json",
        headers=headers,
    )


def starting() -> web.Response:
    """The hub has not been heard since this process began."""
    return problem(503, "Nothing has been heard from the hub yet.", _RETRY_AFTER_S)


def unheard() -> web.Response:
    """The hub was heard, and is gone."""
    return problem(503, "The hub cannot be heard.", _RETRY_AFTER_S)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of the API as problem documents; those of pages as they are."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        is_ours = request.path.startswith(("/api/", "/openapi.json"))
        if error.status < HTTPStatus.BAD_REQUEST or not is_ours:
            raise
        if request.method == "OPTIONS" and error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = {**CORS, **_PREFLIGHT, "Allow": error.headers["Allow"]}
            return web.Response(status=HTTPStatus.NO_CONTENT, headers=allowed)
        detail = error.text or ""
        made = problem(error.status, "" if detail.startswith(str(error.status)) else detail)
        if "Allow" in error.headers:
            made.headers["Allow"] = error.headers["Allow"]
        return made
