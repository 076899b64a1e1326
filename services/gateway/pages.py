"""The web UI's files. Every address that is no file belongs to the UI, which finds its own way from there."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from services.gateway.guard import content_policy

__all__ = ["Pages", "script_hashes"]

_BUILT = "_app/"
_IMMUTABLE = "_app/immutable/"
_FOREVER = "public, max-age=31536000, immutable"
_INLINE = re.compile(r"<script(?![^>]*\ssrc\s*=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_NOT_BUILT = "The web UI is not built.\n\nRun `make web`, then load this page again.\n"


class Pages(StaticFiles):
    """Serves a folder as `make web` fills it; also one that is filled or rebuilt later."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self.config_checked = True
        self._index = folder / "index.html"

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or the page that every other address shows; raises `HTTPException`."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        if path == "index.html" or any(part.startswith(".") for part in path.split("/")):
            return await self._page()
        try:
            response = await super().get_response(path, scope)
        except HTTPException:
            # A page in place of a script that a new build no longer has would fail in a way that nobody understands.
            if path.startswith(_BUILT):
                raise
            return await self._page()
        response.headers["Cache-Control"] = _FOREVER if path.startswith(_IMMUTABLE) else "no-cache"
        return response

    async def _page(self) -> Response:
        """The page with the policy of exactly these bytes."""
        try:
            page = await anyio.to_thread.run_sync(self._index.read_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return PlainTextResponse(_NOT_BUILT, 503, {"Cache-Control": "no-store"})
        policy = content_policy(script_hashes(page.decode()))
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": policy}
        return Response(page, media_type="text/html", headers=headers)


def script_hashes(page: str) -> Iterator[str]:
    """`sha256-…` of each inline script, as CSP level 3 compares it: the text between the tags, line ends as LF."""
    for script in _INLINE.findall(page.replace("\r\n", "\n")):
        yield "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
