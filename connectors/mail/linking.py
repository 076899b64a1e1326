"""Which mails belong together: a table of Message-IDs and their threads, joined as mails name each other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from connectors.mail.message import Mail

__all__ = ["threads_of"]

_MOST_LINKS = 24


def threads_of(connection: Connection, account: str, mails: Sequence[Mail], ids: Sequence[int]) -> list[int]:
    """The thread of each mail (`ids` are theirs): that of one it is linked with, in whatever order they come."""
    linked = [_linked(mail) for mail in mails]
    known = _known_links(connection, account, {each for names in linked for each in names})
    before, joined = dict(known), dict[int, int]()
    threads: list[int] = []
    for names, own in zip(linked, ids, strict=True):
        found = {_root(joined, known[name]) for name in names if name in known}
        thread = min(found, default=own)
        joined |= {other: thread for other in found if other != thread}
        known |= dict.fromkeys(names, thread)
        threads.append(thread)
    links = {name: _root(joined, thread) for name, thread in known.items()}
    _write_links(connection, account, {name: thread for name, thread in links.items() if before.get(name) != thread})
    _join_threads(connection, account, joined)
    return [_root(joined, thread) for thread in threads]


def _linked(mail: Mail) -> list[str]:
    names = [mail.message_id, *mail.references[:1], *mail.references[-_MOST_LINKS:]]
    return list(dict.fromkeys(name for name in names if name))


def _root(joined: Mapping[int, int], thread: int) -> int:
    while thread in joined:
        thread = joined[thread]
    return thread


def _known_links(connection: Connection, account: str, names: Iterable[str]) -> dict[str, int]:
    rows = connection.execute(
        text(
            "SELECT message_id, thread FROM mail_links WHERE account = :account"
            " AND message_id IN (SELECT value FROM json_each(:names))"
        ),
        {"account": account, "names": json.dumps(list(names))},
    )
    return {row.message_id: row.thread for row in rows}


def _write_links(connection: Connection, account: str, links: Mapping[str, int]) -> None:
    rows = [{"account": account, "name": name, "thread": thread} for name, thread in links.items()]
    statement = (
        "INSERT INTO mail_links (account, message_id, thread) VALUES (:account, :name, :thread)"
        " ON CONFLICT (account, message_id) DO UPDATE SET thread = :thread"
    )
    if rows:
        connection.execute(text(statement), rows)


def _join_threads(connection: Connection, account: str, joined: Mapping[int, int]) -> None:
    rows = [{"account": account, "old": old, "new": _root(joined, old)} for old in joined]
    for table in ("mail_messages", "mail_links") if rows else ():
        statement = f"UPDATE {table} SET thread = :new WHERE thread = :old AND account = :account"  # noqa: S608 - ours
        connection.execute(text(statement), rows)
