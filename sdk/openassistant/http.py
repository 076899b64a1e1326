"""The HTTP client that tools get."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from openassistant.context import Clock

__all__ = ["HttpClient"]


class HttpClient:
    """Placeholder until the real one lands."""

    def __init__(self, hosts: Iterable[str], *, deadline: datetime, clock: Clock) -> None:
        self._hosts = tuple(hosts)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None
