"""The running house with every attack planted in it, the attacker's address, and what the owner's servers hold."""

import hashlib
import imaplib
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.attacks.carriers import Planting, plant
from tests.attacks.corpus import CORPUS
from tests.attacks.targets import plant_targets
from tests.e2e.stack import Person, Stack
from tests.peers.house import ADDRESS, MAIL_PASSWORD, House, open_house
from tests.peers.process import LOOPBACK, Lifespan, free_port

__all__ = ["Scene", "Trap", "kept_by_calendar", "kept_by_mailbox", "on_disk", "open_scene"]


class Trap(Lifespan):
    """Where the attacker listens: every connection is counted and dropped."""

    def __init__(self) -> None:
        import socket

        self._socket = socket.create_server((LOOPBACK, free_port()))
        self.url = f"https://{LOOPBACK}:{self._socket.getsockname()[1]}/hook"
        self.visits = 0

    def start(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def stop(self) -> None:
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._socket.accept()
            except OSError:
                return
            self.visits += 1
            visitor.close()


@dataclass(frozen=True)
class Scene:
    """All of it; `plantings` by the attack's id."""

    house: House
    stack: Stack
    ada: Person
    trap: Trap
    plantings: dict[str, Planting]


@contextmanager
def open_scene() -> Iterator[Scene]:
    """A house in which everything is planted and read once, with its owner signed in."""
    with ExitStack() as opened:
        house = open_house(opened, mails=20, events=8)
        trap = opened.enter_context(Trap())
        now = datetime.now(UTC).replace(microsecond=0)
        plant_targets(house, now, trap.url)
        plantings = {each.id: Planting(house, each, place, now) for place, each in enumerate(CORPUS)}
        for each in plantings.values():
            plant(each)
        stack = opened.enter_context(Stack(model=house.model))
        ada = opened.enter_context(stack.sign_in())
        ada.lift_limits()
        ada.connect(house.mail_account(), seconds=300)
        calendar = house.calendar_account()
        ada.connect({**calendar, "settings": {**calendar["settings"], "address": ADDRESS}}, seconds=300)
        yield Scene(house, stack, ada, trap, plantings)


def on_disk(house: House) -> dict[str, tuple[int, int]]:
    """The files of all mails (their names hold the flags) and calendar objects, with size and time of change: cheap."""
    maildir = house.imap.maildir(ADDRESS)
    mails = [each for part in ("cur", "new") for each in maildir.rglob(f"{part}/*")]
    objects = [each for each in house.calendar.directory.glob("collections/**/*") if ".Radicale." not in str(each)]
    return {_place(each): _stamp(each) for each in (*mails, *objects) if each.is_file()}


def _place(file: Path) -> str:
    """The path; a mail that a program was shown goes from `new` to `cur`, which changes nothing."""
    return str(file).replace("/new/", "/cur/").removesuffix(":2,")


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def kept_by_mailbox(house: House) -> dict[str, Any]:
    """The mailbox as any other mail program sees it: by folder, each mail's UID, flags and the digest of its bytes."""
    client = imaplib.IMAP4(LOOPBACK, house.imap.port)
    client.login(ADDRESS, MAIL_PASSWORD)
    try:
        names = [line.decode().partition(' "/" ')[2] for line in client.list()[1] if isinstance(line, bytes)]
        return {name: _mails_in(client, name) for name in sorted(names)}
    finally:
        client.logout()


def _mails_in(client: imaplib.IMAP4, name: str) -> list[tuple[str, str]]:
    quoted = name if name.startswith('"') else f'"{name}"'
    client.select(quoted, readonly=True)
    found = client.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1]
    parts = [each for each in found if isinstance(each, tuple)]
    return sorted((_head(head), hashlib.sha256(content).hexdigest()) for head, content in parts)


def _head(line: bytes) -> str:
    return line.decode().partition("(")[2].partition(" BODY")[0].replace("\\Recent", "").replace(" )", ")")


def kept_by_calendar(house: House) -> dict[str, list[tuple[str, str, str]]]:
    """Each calendar's objects with their ETags and texts."""
    server = house.calendar
    urls = {each: f"{server.url.rstrip('/')}{each}" for each in server._listed(server.home_url(), "ada")}
    found = {path: url for path, url in urls.items() if url != server.home_url()}
    return {path: [(each.name, each.etag, each.text) for each in server.objects_at(url)] for path, url in found.items()}
