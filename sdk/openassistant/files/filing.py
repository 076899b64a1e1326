"""What the tools that file share: several files in one call, and folders that must not come to lie in themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from openassistant.errors import Conflict, Forbidden, InvalidRequest, NotFound, OaError, UpstreamFailed
from openassistant.files.items import FileItem

__all__ = ["each_done", "missing", "not_inside"]

_DEEPEST = 100

T = TypeVar("T")
R = TypeVar("R")


async def each_done(each_of: Iterable[T], act: Callable[[T], Awaitable[R]], *, provider: str) -> list[R]:
    """What came of an act on each, those left out that were refused; raises the first reason where all were.

    A call that breaks off half way raises `UpstreamFailed`, so that it is looked up and carried on.
    """
    done, refused = list[R](), list[OaError]()
    for each in each_of:
        try:
            done.append(await act(each))
        except (NotFound, Forbidden, InvalidRequest, Conflict) as error:
            refused.append(error)
        except OaError as error:
            if done and not error.unclear:
                raise UpstreamFailed(f"{provider} broke off half way.") from error
            raise
    if refused and not done:
        raise refused[0]
    return done


def missing(done: int, asked: int) -> str:
    """What is said where not all could be done."""
    return "" if done >= asked else f"{asked - done} of {asked} could not be: gone, or not allowed to this account."


async def not_inside(item: FileItem, place: FileItem, ask: Callable[[str], Awaitable[FileItem]]) -> None:
    """Raises `InvalidRequest` where a folder would come to lie in itself; `ask` gives the file of an id."""
    if not item.folder:
        return
    above, seen = place, set[str]()
    for _ in range(_DEEPEST):
        if above.id == item.id:
            raise InvalidRequest("A folder cannot be put into itself, or into a folder within it.")
        if not above.parent or above.parent in seen:
            return
        seen.add(above.id)
        try:
            above = await ask(above.parent)
        except (NotFound, Forbidden):
            return
    raise InvalidRequest("That folder lies too deep in others.")
