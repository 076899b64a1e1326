"""Model servers on the owner's own machine: the usual ones are looked for at their usual ports."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import NamedTuple

import httpx

from services.gateway import views
from services.gateway.endpoints import names_in, read

__all__ = ["USUAL", "Candidate", "Discovery"]

_SECONDS = 0.5
_KEPT_SECONDS = 10.0


class Candidate(NamedTuple):
    """Where a server may be (`origin`: scheme, host, port), and the path of its list of models."""

    name: str
    origin: str
    listing: str = "/v1/models"


USUAL = (
    Candidate("Ollama", "http://127.0.0.1:11434", "/api/tags"),
    Candidate("LM Studio", "http://127.0.0.1:1234"),
    Candidate("llama.cpp", "http://127.0.0.1:8080"),
    Candidate("vLLM", "http://127.0.0.1:8000"),
    Candidate("Jan", "http://127.0.0.1:1337"),
)


class Discovery:
    """Looks at all candidates at once, half a second each; what was found is good for ten seconds."""

    def __init__(
        self, *, own_port: int | None = None, candidates: Iterable[Candidate] = USUAL, kept: float = _KEPT_SECONDS
    ) -> None:
        self._candidates = tuple(each for each in candidates if httpx.URL(each.origin).port != own_port)
        self._kept = kept
        self._lock = asyncio.Lock()
        self._found: tuple[float, tuple[views.FoundServer, ...]] | None = None

    async def servers(self) -> tuple[views.FoundServer, ...]:
        """The servers that answer and name at least one model; raises nothing."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if self._found is None or self._found[0] + self._kept <= now:
                self._found = (now, await self._look())
            return self._found[1]

    async def _look(self) -> tuple[views.FoundServer, ...]:
        # Loopback speaks plain http: a context without authorities saves reading them.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(verify=tls, trust_env=False, timeout=_SECONDS) as client:
            found = await asyncio.gather(*(_try(client, each) for each in self._candidates))
        return tuple(each for each in found if each)


async def _try(client: httpx.AsyncClient, candidate: Candidate) -> views.FoundServer | None:
    try:
        async with asyncio.timeout(_SECONDS):
            status, body = await read(client, f"{candidate.origin}{candidate.listing}")
    except (TimeoutError, httpx.HTTPError, OSError, ValueError):
        return None
    names = names_in(body) if status == 200 else None
    return views.FoundServer(name=candidate.name, base_url=f"{candidate.origin}/v1", models=names) if names else None
