"""The token in a request's header (RFC 6750, 2.1); one in the address or in a form is not looked at."""

from __future__ import annotations

from starlette.datastructures import Headers

__all__ = ["bearer"]


def bearer(headers: Headers) -> str | None:
    """The token, empty where there is no single one; None where the request comes with no Bearer scheme at all.

    Other schemes are not ours: a reverse proxy may have asked for a password of its own.
    """
    parts = [each.strip().partition(" ") for each in headers.getlist("authorization")]
    given = [token.strip() for scheme, _, token in parts if scheme.lower() == "bearer"]
    return (given[0] if len(given) == 1 else "") if given else None
