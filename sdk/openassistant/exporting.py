"""What a connector holds of a user as files of an archive, page by page.

    <account's name>/<kind>/<year>/<month>/<id><suffix>    a thing with a file of its own
    <account's name>/<kind>/index.jsonl                    the list of a kind with files, one JSON object in a line
    <account's name>/<kind>.jsonl                          the list of a kind without

Things of no account lie at the top. A cursor says behind which thing a page ended, by kind, account and key, so that
what comes and goes meanwhile moves nothing else; a body that did not fit into one page is kept until the next is asked
for.
Then come the files of archives that were brought in (`imported`), unless the mirror has the same; of a list, the lines
about things that the mirror does not know.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, text

from openassistant.data import PAGE_BYTES, ExportPage, Piece
from openassistant.errors import Conflict, InvalidRequest
from openassistant.holdings import Key, Kind, Thing

__all__ = ["Archive", "Cut", "file_name", "folder_names"]

_BATCH = 200
_MOST_PIECES = 500
_LONGEST_REF = 80
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
_PLAIN_REF = re.compile(r"[a-z0-9][a-z0-9._-]*")
_FILES, _LINES, _BROUGHT_LINES, _ENDED, _BROUGHT = range(5)


class Cut(NamedTuple):
    """A body of which a page holds the beginning alone; `at` is when its file was modified."""

    digest: str
    path: str
    at: int | None
    body: bytes


class _Place(NamedTuple):
    """Where a page ended: behind a thing, or with `offset` inside of it; `stage` as above."""

    kind: str = ""
    account: str = ""
    stage: int = -1
    key: Key | None = None
    offset: int = 0
    digest: str = ""

    @classmethod
    def read(cls, cursor: str) -> _Place:
        if not cursor:
            return cls()
        try:
            return _PLACES.validate_json(cursor)
        except ValidationError as error:
            raise InvalidRequest("That cursor is not one of this export.") from error

    def write(self) -> str:
        return json.dumps(tuple(self), separators=(",", ":"))


_PLACES = TypeAdapter(_Place)


class _Section(NamedTuple):
    kind: Kind
    account: str
    folder: str

    @property
    def list_path(self) -> str:
        name = f"{self.kind.name}/index.jsonl" if self.kind.file else f"{self.kind.name}.jsonl"
        return f"{self.folder}{name}"

    def path(self, row: Thing) -> str:
        when = _day(row.at)
        month = f"{when:%Y/%m}/" if when else ""
        return f"{self.folder}{self.kind.name}/{month}{file_name(str(row.ref))}{self.kind.suffix}"


class _Full(Exception):
    """No error: the page ends."""


class _Page:
    """Pieces that are put together until there is no more room."""

    def __init__(self) -> None:
        self.place = _Place()
        self.cut: Cut | None = None
        self._pieces: list[Piece] = []
        self._room = PAGE_BYTES
        self._list: tuple[str, bytearray] | None = None

    def add(self, place: _Place, path: str, at: int | None, body: bytes, *, begun: int = 0, more: bool = False) -> None:
        """A file, from `begun` on where the page before holds its beginning; `more` of it may come by itself."""
        taken = self._take(place, path, at, body, begun)
        is_cut = begun + taken < len(body)
        self._put(path, body[begun : begun + taken], at, more=more or is_cut)
        if is_cut:
            raise _Full

    def add_line(self, place: _Place, path: str, line: bytes, *, begun: int = 0) -> None:
        """A line of a list, whose piece goes on until `end_list`."""
        taken = self._take(place, path, None, line, begun)
        if self._list is None:
            self._list = (path, bytearray())
        self._list[1].extend(line[begun : begun + taken])
        if begun + taken < len(line):
            raise _Full

    def end_list(self, path: str, *, begun: bool) -> None:
        """Ends a list; one that the page before began is ended although nothing comes to it."""
        if self._list is not None or begun:
            self._put(path, bytes(self._list[1]) if self._list else b"", None, more=False)
            self._list = None

    def finish(self, *, whole: bool) -> tuple[ExportPage, Cut | None]:
        """The page and what of it is to be kept; `whole` when there is no other one."""
        if self._list is not None:
            self._put(self._list[0], bytes(self._list[1]), None, more=True)
        cursor = None if whole else self.place.write()
        return ExportPage(pieces=tuple(self._pieces), cursor=cursor), self.cut

    def _put(self, path: str, body: bytes, at: int | None, *, more: bool) -> None:
        packed: Any = base64.b64encode(body)  # as a field of `Base64Bytes` takes it
        self._pieces.append(Piece(path=path, modified=_day(at), body=packed, more=more))

    def _take(self, place: _Place, path: str, at: int | None, body: bytes, begun: int) -> int:
        """How much of a body goes into this page; raises `_Full` where it shall begin the next one."""
        left = len(body) - begun
        if len(self._pieces) >= _MOST_PIECES or (left > self._room and self._room < PAGE_BYTES):
            raise _Full
        taken = min(left, self._room)
        self._room -= taken
        self.place = place
        if taken < left:
            digest = hashlib.sha256(body).hexdigest()
            self.place, self.cut = place._replace(offset=begun + taken, digest=digest), Cut(digest, path, at, body)
        return taken


class Archive:
    """Everything that a connector holds of a user, as it is exported; `names` are its accounts' names by id.

    What is of `lent` accounts is another's, and stays out.
    `seen` keeps from page to page of which accounts there is something, by kind: finding that is a look at everything.
    """

    def __init__(
        self,
        connection: Connection,
        kinds: Iterable[Kind],
        names: Mapping[str, str],
        seen: dict[str, set[str]] | None = None,
        *,
        lent: Collection[str] = (),
    ) -> None:
        self._lent = frozenset(lent)
        self._connection = connection
        self._seen = {} if seen is None else seen
        self._kinds = {kind.name: kind for kind in kinds if kind.told}
        self._folders = folder_names(names)

    def page(self, cursor: str) -> tuple[ExportPage, Cut | None]:
        """The next page behind a cursor, and what is to be kept for the one after it.

        Raises `Conflict` where the rest of a file is asked for that was changed and is not kept any more.
        """
        place, page = _Place.read(cursor), _Page()
        if place.kind and place.kind not in self._kinds:
            raise InvalidRequest("That cursor is not one of this export.")
        try:
            if place.stage != _BROUGHT:
                for section in self._sections(place):
                    is_where = (section.kind.name, section.account) == (place.kind, place.account)
                    self._export(page, section, place if is_where else _Place())
                place = _Place()
            self._bring(page, place)
        except _Full:
            return page.finish(whole=False)
        return page.finish(whole=True)

    def _sections(self, place: _Place) -> Iterator[_Section]:
        """The kinds of each account from a place on: the one in which the last page ended, and those behind it."""
        kinds = list(self._kinds.values())
        for kind in kinds[list(self._kinds).index(place.kind) if place.kind else 0 :]:
            accounts = self._accounts(kind)
            if kind.name == place.kind:
                accounts = {each for each in accounts if each > place.account} | {place.account} - self._lent
            yield from (_Section(kind, account, self._folder(account)) for account in sorted(accounts))

    def _folder(self, account: str) -> str:
        return f"{self._folders.get(account) or file_name(account)}/" if account else ""

    def _accounts(self, kind: Kind) -> set[str]:
        if kind.name not in self._seen:
            query = text(f"SELECT DISTINCT coalesce(account, '') FROM ({kind.rows})")  # noqa: S608 - declared in code
            self._seen[kind.name] = set(self._connection.scalars(query))
        return self._seen[kind.name] - self._lent

    def _export(self, page: _Page, section: _Section, place: _Place) -> None:
        kind, path = section.kind, section.list_path
        if place.stage == _ENDED:
            return
        if place.offset:
            self._go_on(page, section, place)
        if kind.file is not None and place.stage <= _FILES:
            for row in self._rows(section, place.key):
                if (body := kind.file(self._connection, row)) is not None:
                    page.add(_Place(kind.name, section.account, _FILES, row.key), section.path(row), row.at, body)
        if place.stage <= _LINES:
            for row in self._rows(section, place.key if place.stage == _LINES else None):
                at = _Place(kind.name, section.account, _LINES, row.key)
                page.add_line(at, path, self._line(section, row))
        number = place.key if place.stage == _BROUGHT_LINES and isinstance(place.key, int) else -1
        for each, line in self._brought_lines(section, number):
            page.add_line(_Place(kind.name, section.account, _BROUGHT_LINES, each), path, line)
        page.end_list(path, begun=place.stage >= _LINES)
        page.place = _Place(kind.name, section.account, _ENDED)

    def _go_on(self, page: _Page, section: _Section, place: _Place) -> None:
        """The rest of a body, as it was when it began."""
        plain = place._replace(offset=0, digest="")
        query = text("SELECT digest, path, at, body FROM holdings_cut WHERE digest = :digest")
        row = self._connection.execute(query, {"digest": place.digest}).one_or_none()
        cut = Cut(row.digest, row.path, row.at, bytes(row.body)) if row else self._again(section, place)
        if cut is None or cut.digest != place.digest:
            raise Conflict("That file was changed while it was exported. Begin the export of this room anew.")
        if place.stage == _FILES:
            page.add(plain, cut.path, cut.at, cut.body, begun=place.offset)
        else:
            page.add_line(plain, section.list_path, cut.body, begun=place.offset)

    def _again(self, section: _Section, place: _Place) -> Cut | None:
        """The body that was cut, made once more."""
        kind, row = section.kind, self._row(section, place.key)
        if row is None or place.stage == _BROUGHT_LINES:
            return None
        made = kind.file(self._connection, row) if place.stage == _FILES and kind.file else self._line(section, row)
        body = made or b""
        return Cut(hashlib.sha256(body).hexdigest(), section.path(row), row.at, body)

    def _row(self, section: _Section, key: Key | None) -> Thing | None:
        query = f"SELECT * FROM ({section.kind.rows}) WHERE coalesce(account, '') = :account AND key = :key"  # noqa: S608 - declared in code
        return self._connection.execute(text(query), {"account": section.account, "key": key}).one_or_none()

    def _rows(self, section: _Section, key: Key | None) -> Iterator[Thing]:
        """The things behind a key, one by one: a row may hold as much as a whole mail."""
        after = "" if key is None else "AND key > :key"
        query = f"SELECT * FROM ({section.kind.rows}) WHERE coalesce(account, '') = :account {after} ORDER BY key"  # noqa: S608 - declared in code
        values = {"account": section.account, **({} if key is None else {"key": key})}
        with closing(self._connection.execute(text(query), values)) as found:
            yield from found

    def _line(self, section: _Section, row: Thing) -> bytes:
        kind, when = section.kind, _day(row.at)
        said = kind.line(self._connection, row) if kind.line else {}
        line = {"id": str(row.ref), "at": when.isoformat() if when else None}
        if kind.file is not None:
            line["file"] = section.path(row).removeprefix(section.folder)
        return json.dumps({**line, **said}, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    def _brought_lines(self, section: _Section, begun: int) -> Iterator[tuple[int, bytes]]:
        """The lines of a list that was brought in about what is not here, by their numbers."""
        query = text("SELECT body FROM holdings_imported WHERE path = :path ORDER BY start")
        body = b"".join(self._connection.scalars(query, {"path": section.list_path}))
        lines = [(number, line) for number, line in enumerate(body.splitlines(keepends=True)) if number > begun]
        for start in range(0, len(lines), _BATCH):
            some = lines[start : start + _BATCH]
            ids = [_id_of(line) for _, line in some]
            known = self._known(section, [each for each in ids if each is not None])
            for (number, line), name in zip(some, ids, strict=True):
                if name is None or name not in known:
                    yield number, line if line.endswith(b"\n") else line + b"\n"

    def _known(self, section: _Section, refs: Sequence[str]) -> set[str]:
        query = (
            f"SELECT CAST(ref AS TEXT) FROM ({section.kind.rows}) WHERE coalesce(account, '') = :account"  # noqa: S608 - declared in code
            " AND CAST(ref AS TEXT) IN (SELECT value FROM json_each(:refs))"
        )
        values = {"account": section.account, "refs": json.dumps(list(refs))}
        return set(self._connection.scalars(text(query), values))

    def _bring(self, page: _Page, place: _Place) -> None:
        """Gives files back that were brought in, in the parts in which they came."""
        path, start = (str(place.key), place.offset) if place.key is not None else ("", -1)
        query = text(
            "SELECT path, start, unixepoch(modified) AS at, more FROM holdings_imported"
            " WHERE (path, start) > (:path, :start) ORDER BY path, start LIMIT :limit"
        )
        part = text("SELECT body FROM holdings_imported WHERE path = :path AND start = :start")
        sections: list[_Section] | None = None
        while rows := self._connection.execute(query, {"path": path, "start": start, "limit": _BATCH}).all():
            sections = sections or list(self._sections(_Place()))
            lists = {section.list_path for section in sections}
            own = lists | self._own(sections, {row.path for row in rows} - lists)
            for row in rows:
                path, start = row.path, row.start
                if path not in own:
                    body = self._connection.scalars(part, {"path": path, "start": start}).one()
                    at = _Place("", "", _BROUGHT, path, start)
                    page.add(at, path, row.at, bytes(body), more=bool(row.more))

    def _own(self, sections: Sequence[_Section], paths: set[str]) -> set[str]:
        """Which of these paths are those of things that are here."""
        found: set[str] = set()
        for section in sections:
            start = f"{section.folder}{section.kind.name}/"
            if section.kind.file is not None and any(each.startswith(start) for each in paths):
                query = f"SELECT at, ref FROM ({section.kind.rows}) WHERE coalesce(account, '') = :account"  # noqa: S608 - declared in code
                rows = self._connection.execute(text(query), {"account": section.account})
                found |= paths & {section.path(row) for row in rows}
        return found


def folder_names(names: Mapping[str, str]) -> dict[str, str]:
    """The folders of accounts, by their ids: their names as far as a file system takes them, and no two the same."""
    plain = {each: _UNSAFE.sub("_", name).strip(" .")[:80] or each for each, name in names.items()}
    times = Counter(name.casefold() for name in plain.values())
    return {each: name if times[name.casefold()] == 1 else f"{name} {each[:8]}" for each, name in plain.items()}


def file_name(ref: str) -> str:
    """The name of a thing's file, made of its id; no two ids have the same, also where a disk knows no capitals."""
    if _PLAIN_REF.fullmatch(ref) and len(ref) <= _LONGEST_REF:
        return ref
    readable = quote(ref.rpartition("/")[2], safe="").replace("%", "_").strip(".~")[:40]
    return f"{readable}-{hashlib.sha256(ref.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _day(at: float | None) -> datetime | None:
    try:
        return None if at is None else datetime.fromtimestamp(int(at), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _id_of(line: bytes) -> str | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
