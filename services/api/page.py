"""The page: files of the package, and nothing from anywhere else."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

_FILES: Final = {
    "index.html": "text/html; charset=utf-8",
    "wall.css": "text/css; charset=utf-8",
    "wall.js": "text/javascript; charset=utf-8",
    "key.js": "text/javascript; charset=utf-8",
    "panels.js": "text/javascript; charset=utf-8",
    "order.js": "text/javascript; charset=utf-8",
    "words.js": "text/javascript; charset=utf-8",
}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def create_page_router() -> APIRouter:
    """Build the routes of the page and its files."""
    router = APIRouter(include_in_schema=False)
    folder = files("services.api") / "pages"
    for name, media_type in _FILES.items():
        path = "/" if name == "index.html" else f"/pages/{name}"
        _serve(router, path, (folder / name).read_bytes(), media_type)
    return router


def _serve(router: APIRouter, path: str, content: bytes, media_type: str) -> None:
    @router.get(path)
    async def page() -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)
