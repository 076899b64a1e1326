"""Where text may go: for each source a rule that says what a model outside the house may see of it.

A source is named by a key: an account's id, `connector:<id>` for a connector without accounts, `own` for what the owner
types, `files` for what stands in files that he gives, or the label `from:<address>` or `from:@<domain>` for what others
wrote, whichever account brought it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

__all__ = ["FILES", "OWN", "ROUTES", "Route", "key_of_call", "keys_of_authors", "route_of", "strictest"]

Route = Literal["cloud_ok", "redact", "local_only"]
"""As it stands; with names and numbers replaced; or not at all."""

ROUTES: tuple[Route, ...] = get_args(Route)
"""From the laxest to the strictest."""

OWN = "own"
"""What the owner types."""
FILES = "files"
"""What stands in the files that he gives."""


def strictest(routes: Iterable[Route]) -> Route:
    """The strictest of some routes; `cloud_ok` for none."""
    return max(routes, key=ROUTES.index, default="cloud_ok")


def route_of(routes: Mapping[str, Route], keys: Iterable[str]) -> Route:
    """What holds of a text from these sources; a source without a rule is `cloud_ok`."""
    return strictest(routes.get(key, "cloud_ok") for key in keys)


def key_of_call(account: str | None, connector: str) -> str:
    """The source that a tool call brings in."""
    return account or f"connector:{connector}"


def keys_of_authors(routes: Mapping[str, Route], authors: Iterable[str]) -> tuple[str, ...]:
    """The labels with a rule that these authors (mail addresses) fall under."""
    labels = {key for key in routes if key.startswith("from:")}
    if not labels:
        return ()
    plain = {each.strip().lower() for each in authors}
    domains = {f"@{each.rpartition('@')[2]}" for each in plain if "@" in each}
    return tuple(sorted(labels & {f"from:{each}" for each in plain | domains}))
