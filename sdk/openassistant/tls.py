"""Whose certificates are believed: the public authorities', and those of the file that this house names (OA_CA_FILE).

A home has servers of its own, with certificates of an authority of its own; without it, such a server is refused.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx

from openassistant.errors import Internal

__all__ = ["believe", "client_context"]

_own: list[Path] = []


def believe(file: Path | None) -> None:
    """Believes the authorities in a PEM file from now on, and no others of its kind; raises `Internal` naming it."""
    _own.clear()
    if file is None:
        return
    try:
        _with(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), file)
    except (OSError, ssl.SSLError) as error:
        raise Internal(f"OA_CA_FILE cannot be used: {file} is not a readable file of certificates (PEM).") from error
    _own.append(file)


def client_context(*, system: bool = False) -> ssl.SSLContext:
    """A context for clients, which takes some milliseconds to make.

    `system`: with the authorities that this machine believes, where the public ones that come with httpx are too few.
    """
    context = ssl.create_default_context() if system else httpx.create_ssl_context(trust_env=False)
    for file in _own:
        _with(context, file)
    return context


def _with(context: ssl.SSLContext, file: Path) -> None:
    context.load_verify_locations(cafile=file)
