"""An agent that is hostile: it has the agent's key and place, and nothing of the product's own code.

It runs where the agent would, in its container or under the supervisor, and needs nats-py and `cryptography` alone.
It accepts turns as the agent does, so that it gets their grants. A turn whose message is a brief (a JSON object, see
`attempts.run`) makes it try everything; each attempt and how it ended is a line of `attempts.jsonl` in its data
folder, and all that ever reached it is in `received`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

__all__ = ["Double", "Outcome", "altered", "digest_of", "fresh_id", "main", "self_signed", "unsigned"]

Row = dict[str, Any]


class Outcome(NamedTuple):
    """How an attempt ended.

    `verdict`: done (it was answered as asked), asked (put to the person), refused (with `code`), denied (the bus let
    nothing through), silent (nobody answered).
    """

    verdict: str
    code: str = ""
    body: Any = None


class _Listening(Client):
    """A client that keeps whatever arrives, whoever it was for."""

    keep: Callable[[bytes], None] = staticmethod(lambda _: None)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        self.keep(b"\n".join((bytes(subject), bytes(reply), bytes(headers or b""), bytes(data))) + b"\n")
        await super()._process_msg(sid, subject, reply, data, headers)


class Double:
    """The room `agent`, as somebody else fills it."""

    def __init__(self, folder: Path) -> None:
        self.client = _Listening()
        self.turns: list[Row] = []
        self.decisions: list[Row] = []
        self.sessions: dict[str, str] = {}
        """By user, the grant with which the gateway read his conversations."""
        self._refused: set[str] = set()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._received = (folder / "received").open("ab", buffering=0)

    async def join(self, url: str, seed: str) -> None:
        """Takes the agent's place."""
        self.client.keep = self._received.write  # type: ignore[assignment]

        async def noted(error: Exception) -> None:
            self._refused.add(str(error).lower())

        await self.client.connect(
            url, nkeys_seed_str=seed, inbox_prefix=b"_INBOX_agent", error_cb=noted, max_reconnect_attempts=-1,
            reconnect_time_wait=1,
        )  # fmt: skip
        await self.client.subscribe("oa.rpc.agent.*", queue="agent", cb=self._asked)

    def note(self, **row: Any) -> None:
        """One line of what was tried."""
        with (self._folder / "attempts.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")

    async def ask(
        self, subject: str, body: Any = None, *, user: str = "", seconds: float = 4.0, **tokens: str | None
    ) -> Outcome:
        """A request with the context's headers; `tokens` are grant, receipt, approval, turn, conversation."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        try:
            answer = await self.client.request(subject, data, timeout=seconds, headers=headers(user, **tokens))
        except errors.NoRespondersError:
            return Outcome("silent", "nobody")
        except (errors.TimeoutError, TimeoutError):
            return Outcome("denied" if self.was_refused(subject) else "silent")
        except errors.MaxPayloadError:
            return Outcome("denied", "too large")
        except errors.Error as error:
            return Outcome("silent", type(error).__name__)
        return _outcome(answer)

    def was_refused(self, subject: str) -> bool:
        """Whether the bus has refused this subject to this room."""
        return any(f'"{subject.lower()}"' in each for each in self._refused)

    async def hears(self, subject: str) -> Outcome:
        """Whether the bus lets this room listen to a subject."""
        subscription = await self.client.subscribe(subject)
        await self.client.flush(timeout=5)
        await asyncio.sleep(0.2)
        refused = self.was_refused(subject)
        if not refused:
            await subscription.unsubscribe()
        return Outcome("denied" if refused else "done")

    async def says(
        self, subject: str, data: bytes = b"{}", *, reply: str = "", user: str = "", **tokens: str
    ) -> Outcome:
        """Whether the bus lets this room say something on a subject."""
        await self.client.publish(subject, data, reply=reply, headers=headers(user, **tokens))
        await self.client.flush(timeout=5)
        await asyncio.sleep(0.1)
        return Outcome("denied" if self.was_refused(subject) else "done")

    async def says_fast(self, subject: str, data: bytes, *, reply: str = "", user: str = "", **tokens: str) -> None:
        """Says something without asking what became of it."""
        await self.client.publish(subject, data, reply=reply, headers=headers(user, **tokens))

    async def cards(self) -> dict[str, Row]:
        """The registry's cards by connector, each with its digest."""
        found: dict[str, Row] = {}
        entries = await self.client.jetstream().subscribe(
            "$KV.OA_CONNECTORS.>", stream="KV_OA_CONNECTORS", ordered_consumer=True
        )
        with contextlib.suppress(errors.TimeoutError, TimeoutError):
            while True:
                beat = json.loads((await entries.next_msg(timeout=1)).data)
                found[beat["card"]["id"]] = {**beat["card"], "digest": beat["digest"]}
        await entries.unsubscribe()
        return found

    async def receipt(self, call: Row, grant: str, effect: str = "read") -> str:
        """The witness's receipt for a call under a grant."""
        record = {"id": call["id"], "action": "tool.started", "call": call, "effect": effect}
        got = await self.ask("oa.rpc.audit.record.agent", record, user=call["user"], grant=grant)
        return str(got.body["receipt"]) if got.verdict == "done" else ""

    async def act(self, call: Row, **tokens: str | None) -> Outcome:
        """Sends a call to its connector."""
        subject = f"oa.tool.{call['connector']}.{call['user']}.{call['tool']}"
        return await self.ask(subject, call, user=call["user"], seconds=20, **tokens)

    async def _asked(self, message: Msg) -> None:
        verb = message.subject.rsplit(".", 1)[-1]
        given = {name: str(value) for name, value in (message.headers or {}).items()}
        body = json.loads(message.data or b"{}")
        user = given.get("Oa-User", "")
        if verb in ("conversations", "history") and user:
            self.sessions[user] = given.get("Oa-Grant", "")
        if verb == "decide":
            self.decisions.append(body)
            self.note(event="decided", approval=body["approval_id"], approved=body["approved"])
        if verb == "turn":
            self.turns.append({**body, "user": user, "grant": given["Oa-Grant"], "turn": given["Oa-Turn"],
                               "conversation": given["Oa-Conversation"]})  # fmt: skip
        await message.respond(json.dumps(_answer(verb, given)).encode())
        if verb == "turn":
            self._work = asyncio.create_task(self._obey(self.turns[-1]))

    async def _obey(self, turn: Row) -> None:
        from tests.hostile import attempts

        try:
            brief = json.loads(turn["text"])
        except ValueError:
            return
        try:
            await attempts.run(self, turn, brief)
        except Exception as error:
            self.note(event="failed", error=repr(error))
            raise
        finally:
            self.note(event="over", brief=brief["do"])


def headers(user: str, **tokens: str | None) -> dict[str, str]:
    """The context of a call, with whatever this room likes in it."""
    deadline = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    plain = {
        "Oa-Protocol": "1",
        "Oa-Deadline": deadline,
        "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
    }
    named = {f"Oa-{name.capitalize()}": value for name, value in tokens.items() if value}
    return plain | named | ({"Oa-User": user} if user else {})


def fresh_id() -> str:
    """An id as the product makes them (UUIDv7)."""
    return f"{time.time_ns() // 1_000_000:012x}7{secrets.token_hex(2)[1:]}8{secrets.token_hex(8)[1:]}"


def digest_of(value: Any) -> str:
    """SHA-256 over the RFC 8785 form; of plain text and small integers this is it."""
    plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(plain.encode()).hexdigest()


def altered(token: str, **claims: Any) -> str:
    """A token with other claims under the signature that it had."""
    head, body, signature = token.split(".")
    return f"{head}.{_part({**json.loads(_plain(body)), **claims})}.{signature}"


def unsigned(token: str, **claims: Any) -> str:
    """A token with other claims that says it needs no signature."""
    head, body, _ = token.split(".")
    header = {**json.loads(_plain(head)), "alg": "none"}
    return f"{_part(header)}.{_part({**json.loads(_plain(body)), **claims})}."


def self_signed(kind: str, claims: Row) -> str:
    """A token of a kind (grant, receipt, approval, rule), well formed and signed by a key of this room's own."""
    key = Ed25519PrivateKey.generate()
    said = f"{_part({'alg': 'Ed25519', 'typ': f'oa-{kind}+jwt'})}.{_part(claims)}"
    return f"{said}.{_encoded(key.sign(said.encode()))}"


def _outcome(answer: Msg) -> Outcome:
    try:
        body = json.loads(answer.data or b"null")
    except ValueError:
        body = None
    if "Nats-Service-Error" in (answer.headers or {}):
        return Outcome("refused", str((answer.headers or {})["Nats-Service-Error"]), body)
    if isinstance(body, dict) and body.get("type", "").startswith("io.nats.") and "error" in body:
        return Outcome("refused", "jetstream", body)
    if isinstance(body, dict) and body.get("verdict") in ("ask", "refuse"):
        return Outcome("asked" if body["verdict"] == "ask" else "refused", "policy", body)
    return Outcome("done", "", body)


def _answer(verb: str, given: Row) -> Row:
    """What the agent would say, as far as anybody needs it."""
    now = datetime.now(UTC).isoformat()
    conversation = {"id": given.get("Oa-Conversation") or fresh_id(), "title": "", "created": now, "updated": now}
    answers: dict[str, Row] = {
        "turn": {"turn": given.get("Oa-Turn"), "run": given.get("Oa-Turn"), "last_event_id": 0},
        "create": conversation,
        "history": {"conversation": conversation, "messages": [], "last_event_id": 0},
        "conversations": {"conversations": []},
    }
    return answers.get(verb, {})


def _part(value: Row) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _read(path: str) -> str:
    return Path(path).read_text().strip()


def _touch(path: str) -> None:
    Path(path).touch()


async def live(stop: asyncio.Event) -> None:
    """In the agent's place until `stop`."""
    double, seed = Double(Path(os.environ["OA_DATA_DIR"])), os.environ["OA_NKEY_FILE"]
    while True:
        try:
            await double.join(os.environ["OA_NATS_URL"], _read(seed))
            break
        except (OSError, errors.Error):
            await asyncio.sleep(0.5)
    double.note(event="joined")
    while not stop.is_set():
        if alive := os.environ.get("OA_ALIVE_FILE"):
            _touch(alive)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 2)
    await double.client.close()


def main() -> None:
    """The process."""

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await live(stop)

    asyncio.run(run())
