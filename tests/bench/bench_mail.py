"""Mail: a first sync, a sync with nothing to do, and finding among a hundred thousand.

The connector runs alone, on a real Dovecot, with everything that a sync of the house writes. The floor of the first
sync is the same mails fetched by imapclient and parsed by the standard library, and nothing kept; that of a sync with
nothing to do is to sign in and to ask for the numbers of the folders; that of finding is the bare query in the index.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import itertools
import os
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from imapclient import IMAPClient
from sqlalchemy import text

from connectors.mail import mirror
from connectors.mail.folders import Folder
from connectors.mail.imap import Status
from connectors.mail.message import parse_mail
from connectors.mail.mirror import Letter
from connectors.mail.sync import sync_mailbox
from connectors.mail.tools import connector
from openassistant.connector import Context
from openassistant.context import CallContext
from openassistant.store import Store
from openassistant.testing import FakeHouse
from tests.bench.profile import profiled
from tests.bench.rows import Row, middle, percentile
from tests.peers.dovecot import FOLDERS, Dovecot
from tests.peers.mailbox import seed_mailbox
from tests.peers.process import LOOPBACK, free_port

ADDRESS, PASSWORD = "ada@home.example", "not-a-real-password"
_MAILS, _MANY, _FIVE = 10_000, 100_000, 5
_ROUNDS = 40
_BATCH = 1_000
_WORDS = ("bicycle", "garden", "invoice", "window", "train tuesday", "from:zoe garden", "answer", "is:unread heating")


def _signed_in(server: Dovecot) -> IMAPClient:
    client = IMAPClient(server.host, server.port, ssl=False)
    client.login(ADDRESS, PASSWORD)
    return client


def _bare_fetch(server: Dovecot) -> float:
    """Mails a second, fetched and parsed."""
    started, count = time.perf_counter(), 0
    with _signed_in(server) as client:
        for folder in ("INBOX", *FOLDERS):
            client.select_folder(folder, readonly=True)
            uids = client.search("ALL")
            for first in range(0, len(uids), 200):
                found = client.fetch(uids[first : first + 200], ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]"])
                for each in found.values():
                    mail = email.message_from_bytes(each[b"BODY[]"])
                    assert [part.get_payload(decode=True) for part in mail.walk()]
                    count += 1
    return count / (time.perf_counter() - started)


def bare_look(server: Dovecot) -> float:
    """Milliseconds to sign in, ask for the numbers of every folder, and sign out."""
    started = time.perf_counter()
    with _signed_in(server) as client:
        for folder in ("INBOX", *FOLDERS):
            client.folder_status(folder, ["MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ"])
    return 1000 * (time.perf_counter() - started)


@contextlib.asynccontextmanager
async def mail_house(port: int, folder: Path) -> AsyncIterator[FakeHouse]:
    settings = {
        "address": ADDRESS, "imap_host": LOOPBACK, "imap_port": port, "imap_security": "none",
        "smtp_host": LOOPBACK, "smtp_port": free_port(), "smtp_security": "none",
    }  # fmt: skip
    house = FakeHouse(connector, folder=folder)
    house.connect("Mail", settings, password=PASSWORD)
    async with house:
        yield house


@contextlib.asynccontextmanager
async def context_of(house: FakeHouse) -> AsyncIterator[Context]:
    """What a sync of the house's account is given."""
    ctx = CallContext.within(3600, user=house.user).signed(grant=house.account_grant())
    async with house.runner.context(ctx, house.user, house.account.account) as context:
        yield context


async def sync_seconds(house: FakeHouse) -> float:
    """How long one pass takes."""
    async with context_of(house) as context:
        started = time.perf_counter()
        await sync_mailbox(context)
        return time.perf_counter() - started


async def _syncing(folder: Path) -> list[Row]:
    with Dovecot({ADDRESS: PASSWORD}) as server:
        await asyncio.to_thread(seed_mailbox, server.maildir(ADDRESS), _MAILS, owner=server.owner)
        await asyncio.to_thread(bare_look, server)
        async with mail_house(server.port, folder) as house:
            rate = _MAILS / await sync_seconds(house)
            floor = await asyncio.to_thread(_bare_fetch, server)
            idle = [1000 * await sync_seconds(house) for _ in range(_ROUNDS)]
            look = [await asyncio.to_thread(bare_look, server) for _ in range(_ROUNDS)]
    first = f"to fetch and parse takes {100 * rate / floor:.0f} % of the time; the rest writes texts, index and threads"
    second = f"to sign in and to ask takes {100 * middle(look) / middle(idle):.0f} % of the time"
    return [
        Row(f"first sync of {_MAILS:,} mails", rate, "/s", floor, "fetch and parse", 400, why=first),
        Row("sync with nothing new", middle(idle), "ms", middle(look), "sign in and ask", 20, why=second),
    ]


def letters(count: int, *, seed: int = 1) -> Iterator[list[Letter]]:
    """Letters for a mirror, a batch at a time: some thousand different mails, told apart by date and Message-ID."""
    with tempfile.TemporaryDirectory() as name:
        seed_mailbox(Path(name), 2_000, seed=seed)
        plain = [parse_mail(file.read_bytes()) for file in Path(name).rglob("*/cur/*")]
        plain += [parse_mail(file.read_bytes()) for file in Path(name).glob("cur/*")]
    dice, now = random.Random(seed), datetime(2026, 11, 23, 8, tzinfo=UTC)
    for first in range(0, count, _BATCH):
        made = []
        for number in range(first, min(first + _BATCH, count)):
            sent = now - timedelta(minutes=5 * (count - number))
            mail = dice.choice(plain)._replace(date=sent, message_id=f"bench-{number}@example.org", references=())
            made.append(Letter(number + 1, number % 7 > 0, sent, 4_000, mail))
        yield made


async def fill(store: Store, account: str, folders: Mapping[Folder, Status]) -> None:
    """Writes so many mails into the mirror of each folder, as the sync does, under the server's numbers."""
    for folder, status in folders.items():
        row = await store.write(
            partial(mirror.open_folder, account=account, folder=folder, uidvalidity=status.uidvalidity)
        )
        for batch in letters(status.messages):
            sent = folder.role == "sent"
            await store.write(partial(mirror.add, account=account, folder=row, letters=batch, sent=sent))
        numbers = {name: getattr(status, name) for name in ("uidnext", "messages", "modseq", "unseen")}
        await store.write(partial(mirror.close_folder, folder=row, looked=int(time.time()), **numbers))


async def _bare_search(store: Store, words: str) -> float:
    """Milliseconds for the newest fifty rows of the index with these words."""
    match = " AND ".join(f'"{each}" *' for each in words.split() if ":" not in each)
    query = text("SELECT rowid FROM mail_search WHERE mail_search MATCH :match ORDER BY rowid DESC LIMIT 50")
    started = time.perf_counter()
    await store.read(lambda link: link.execute(query, {"match": match}).all())
    return 1000 * (time.perf_counter() - started)


async def _search(house: FakeHouse, words: str) -> float:
    call = house.make("messages_search", query=words)
    ctx, started = house.context(call), time.perf_counter()
    found: Any = (await house.send(call, ctx)).content
    taken = 1000 * (time.perf_counter() - started)
    assert found["messages"], words
    return taken


async def _finding(folder: Path) -> list[Row]:
    async with mail_house(free_port(), folder) as house:
        async with context_of(house) as context:
            inbox, numbers = Folder(b"INBOX", "INBOX", "inbox"), Status(1, _MANY + 1, _MANY, 1, 0)
            await fill(context.store, str(context.account), {inbox: numbers})
            bare = [await _bare_search(context.store, each) for each in _asked()]
        taken = [await _search(house, each) for each in _asked()]
    return [
        Row(
            f"finding among {_MANY:,} mails (p95)", percentile(taken, 95), "ms", percentile(bare, 95), "the index", 60,
            why=f"the index takes {100 * percentile(bare, 95) / percentile(taken, 95):.0f} % of it",
            note=f"a call of the tool with all its checks, reported to the ledger; the median {middle(taken):.1f} ms",
        )
    ]  # fmt: skip


async def _finding_in_five(folder: Path) -> list[Row]:
    """Five connectors with a mirror each, all asked at once; here they share one process and two cores."""
    async with contextlib.AsyncExitStack() as opened:
        houses = [
            await opened.enter_async_context(mail_house(free_port(), folder / str(each))) for each in range(_FIVE)
        ]
        for house in houses:
            async with context_of(house) as context:
                numbers = Status(1, _MANY // _FIVE + 1, _MANY // _FIVE, 1, 0)
                await fill(context.store, str(context.account), {Folder(b"INBOX", "INBOX", "inbox"): numbers})
        taken = [await _search_all(houses, each) for each in _asked()]
        with profiled(os.getpid()) as profile:
            for each in _asked():
                await _search_all(houses, each)
        alone = [await _search(houses[0], each) for each in _asked()]
    return [
        Row(
            f"finding in {_FIVE} connectors at once, {_MANY:,} mails (p95)", percentile(taken, 95), "ms",
            percentile(alone, 95), "one of them alone", 60,
            why=profile.words, note=f"the median {middle(taken):.1f} ms",
        )
    ]  # fmt: skip


async def _search_all(houses: list[FakeHouse], words: str) -> float:
    """Milliseconds until the last of them has answered."""
    return max(await asyncio.gather(*(_search(each, words) for each in houses)))


def _asked() -> list[str]:
    return list(itertools.islice(itertools.cycle(_WORDS), 10 * len(_WORDS)))


def rows() -> list[Row]:
    """All of them; two minutes."""

    async def measured() -> list[Row]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            found = [*await _syncing(folder / "synced"), *await _finding(folder / "filled")]
            return [*found, *await _finding_in_five(folder / "five")]

    return asyncio.run(measured())
