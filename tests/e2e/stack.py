"""The product as one command starts it, with a signed-in client for its HTTP API.

with Stack(model=house.model) as stack, stack.sign_in() as ada:
    account = ada.connect(house.mail_account())
"""

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from tests.e2e.events import Event, read_events
from tests.peers.model import ModelServer
from tests.peers.process import LOOPBACK, Child, Lifespan, PeerError, free_port, workspace

__all__ = ["OWNER", "OWNER_PASSWORD", "Person", "Stack"]

OWNER, OWNER_PASSWORD = "ada", "not-a-real-owner-password"
ROOT = Path(__file__).parents[2]
Found = TypeVar("Found")


class Stack(Lifespan):
    """The supervisor with every room, its data in `data_dir` (or in a folder that goes with it).

    `model` is the scripted model it is told to use, `connectors` are those that run, `env` adds to its environment;
    without `owner` it waits for somebody to open `setup_url`. `halt` sends SIGTERM, waits and keeps the data, so that
    `launch` can start it again on the same house. `command` is what starts it.
    """

    command: Sequence[str] = (sys.executable, "-m", "deploy.supervisor")

    def __init__(
        self,
        *,
        model: ModelServer | None = None,
        data_dir: Path | None = None,
        env: Mapping[str, str] | None = None,
        owner: bool = True,
        connectors: Sequence[str] = ("mail", "caldav"),
    ) -> None:
        self.port = free_port()
        self.folder = workspace("house")
        self.data_dir = data_dir if data_dir is not None else self.folder / "data"
        self._model, self._extra, self._owner, self._connectors = model, dict(env or {}), owner, connectors
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where a browser goes."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def way_back(self) -> str:
        """Where a provider sends the browser to, where the house is on the browser's own machine or in its network."""
        return f"http://localhost:{self.port}/oauth/callback"

    @property
    def bus_url(self) -> str:
        """Where its bus is."""
        listen = json.loads((self.data_dir / "keys" / "bus" / "server.json").read_text())["listen"]
        return f"nats://{listen}"

    @property
    def setup_url(self) -> str:
        """The one-time link, as the gateway writes it down while there is no owner."""
        return (self.data_dir / "gateway" / "setup-url").read_text().strip()

    @property
    def log(self) -> str:
        """What the product wrote so far."""
        return self._running().tail(1_000_000)

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        return self._running().pid

    def start(self) -> None:
        """Start it and wait until every room answers."""
        self.launch()

    def launch(self, *, seconds: float = 60.0) -> None:
        """Start the supervisor and wait at most `seconds` for /readyz."""
        self._child = Child(self.command, name="product", directory=self.folder, env=self._environment())
        self._child.start(self.ready, seconds=seconds)

    def ready(self) -> bool:
        """Whether every room answers now."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def extend(self, env: Mapping[str, str]) -> None:
        """Adds to its environment, for the next start."""
        self._extra.update(env)

    def halt(self) -> None:
        """Stop it by SIGTERM and keep its data."""
        if self._child is not None:
            self._child.stop(seconds=20)
            self._child = None

    def stop(self) -> None:
        """Stop it and remove its folder."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sign_in(self) -> "Person":
        """The owner, signed in."""
        return Person(self.url, OWNER, OWNER_PASSWORD)

    def add_person(self, name: str, password: str) -> None:
        """A member of the household, who comes by an invitation of the owner's."""
        with self.sign_in() as owner:
            owner.bring_in(name, password)

    def room(self, name: str) -> int:
        """The process id of a room, found among the supervisor's descendants by its name."""
        found = [pid for pid, title in _descendants(self.pid) if re.search(rf"(^|\W){re.escape(name)}(\W|$)", title)]
        if not found:
            raise PeerError(f"no process of the room {name}")
        return found[0]

    def runs_anew(self, name: str, before: int) -> bool:
        """Whether a room runs as another process than before."""
        try:
            return self.room(name) != before
        except PeerError:
            return False

    def processes(self) -> list[int]:
        """The process ids of the supervisor and of everything below it."""
        return [self.pid, *(pid for pid, _ in _descendants(self.pid))]

    def kill_room(self, name: str) -> None:
        """kill -9 of one room."""
        os.kill(self.room(name), signal.SIGKILL)

    def _environment(self) -> dict[str, str]:
        mine = {
            "OA_DATA_DIR": str(self.data_dir),
            "OA_PORT": str(self.port),
            "OA_SEND_HOLD_SECONDS": "0",
            "OA_CONNECTORS": ",".join(self._connectors),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")]),
        }
        if self._owner:
            mine |= {"OA_SETUP_USER": OWNER, "OA_SETUP_PASSWORD_FILE": str(self._password_file())}
        if self._model is not None:
            mine |= {"OA_MODEL": f"openai/{self._model.name}", "OA_MODEL_BASE_URL": self._model.url}
        return {**mine, **self._extra}

    def _password_file(self) -> Path:
        file = self.folder / "owner-password"
        file.write_text(OWNER_PASSWORD)
        file.chmod(0o600)
        return file

    def _running(self) -> Child:
        if self._child is None:
            raise PeerError("the product is not started")
        return self._child


class Person:
    """Somebody signed in, as a client of the HTTP API. Errors of the API raise `httpx.HTTPStatusError`."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Origin": url}, timeout=30, trust_env=False)
        try:
            self.post("/api/session", {"username": username, "password": password})
        except httpx.HTTPError:
            self.http.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def get(self, path: str, **query: Any) -> Any:
        """GET, the JSON of the answer."""
        return _checked(self.http.get(path, params=query)).json()

    def put(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """PUT a JSON object, the JSON of the answer."""
        answer: dict[str, Any] = _checked(self.http.put(path, json=dict(body))).json()
        return answer

    def invite(self, **draft: Any) -> str:
        """The path of a new invitation's link."""
        return str(self.post("/api/people/invitations", {"password": OWNER_PASSWORD, **draft})["path"])

    def bring_in(self, name: str, password: str) -> None:
        """Invites somebody, who joins."""
        token = self.invite().partition("#")[2]
        url = str(self.http.base_url).rstrip("/")
        form = {"token": token, "username": name, "password": password, "display_name": "", "of_age": True}
        with httpx.Client(base_url=url, headers={"Origin": url}, timeout=30, trust_env=False) as other:
            _checked(other.post("/api/join", json=form))

    def connect(self, account: Mapping[str, Any], *, seconds: float = 120.0) -> dict[str, Any]:
        """Approve the account's connector if it is not yet, connect the account, wait for its first sync."""
        self.approve_connector(account["connector"])
        made = self.post("/api/accounts", account)
        return self.synced(made["id"], seconds=seconds)

    def try_connect(self, account: Mapping[str, Any]) -> httpx.Response:
        """The answer to connecting an account, whatever it is."""
        self.approve_connector(account["connector"])
        return self.http.post("/api/accounts", json=dict(account), timeout=60)

    def synced(self, account: str, *, seconds: float = 120.0) -> dict[str, Any]:
        """The account, once its first sync has finished; `PeerError` when it fails or takes longer."""

        def look() -> dict[str, Any] | None:
            view: dict[str, Any] = self.get(f"/api/accounts/{account}")
            sync = view["sync"] or {}
            if sync.get("state") == "failed":
                raise PeerError(f"the sync failed: {view}")
            return view if sync.get("state") == "idle" and sync.get("finished_at") else None

        return until(look, seconds=seconds, what="the first sync")

    def lift_limits(self) -> None:
        """No limit on days and months, for whoever asks more in an hour than a household in a week."""
        none = dict.fromkeys(("day_tokens", "day_micro", "month_tokens", "month_micro"))
        each = {**self.get("/api/usage")["house"]["each"], **none}
        _checked(self.http.put("/api/usage/limits/house", json={"each": each, "house": none}))

    def converse(self) -> str:
        """A new conversation's id."""
        return str(self.post("/api/conversations", {})["id"])

    def give(self, body: bytes, *, name: str) -> str:
        """A file for a message; its id."""
        headers = {"Content-Type": "application/octet-stream"}
        answer = self.http.post("/api/files", params={"name": name}, content=body, headers=headers, timeout=60)
        return str(_checked(answer).json()["id"])

    def say(self, conversation: str, text: str, *, files: Sequence[str] = ()) -> list[Event]:
        """Send a message; all events of the run that answers it, to its end."""
        return list(self.stream(conversation, text, files=files))

    def stream(self, conversation: str, text: str, *, files: Sequence[str] = ()) -> Iterator[Event]:
        """Send a message; the events of the run that answers it, as they come."""
        path = f"/api/conversations/{conversation}/messages"
        with self.http.stream(
            "POST", path, json={"text": text, "files": list(files)}, headers={"Accept": "text/event-stream"}, timeout=60
        ) as answer:
            yield from _until_run_ends(_events(answer))

    def say_and_leave(self, conversation: str, text: str) -> str:
        """Send a message without waiting for its answer; the turn's id."""
        return str(self.post(f"/api/conversations/{conversation}/messages", {"text": text})["turn"])

    def follow(self, conversation: str, *, after: int | None = None, seconds: float = 60.0) -> Iterator[Event]:
        """The conversation's events from `after` on, live; `httpx.ReadTimeout` when none comes for `seconds`."""
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        path = f"/api/conversations/{conversation}/events"
        with self.http.stream("GET", path, headers=headers, timeout=seconds) as answer:
            yield from _events(answer)

    def pending(self, conversation: str | None = None) -> list[dict[str, Any]]:
        """The approvals that wait (of one conversation)."""
        waiting: list[dict[str, Any]] = self.get("/api/approvals", state="pending")
        return [each for each in waiting if conversation in {None, each["conversation"]}]

    def decide(self, approval: str, decision: str, *, note: str = "") -> dict[str, Any]:
        """Approve or deny."""
        return self.post(f"/api/approvals/{approval}", {"decision": decision, "note": note})

    def settle(self, conversation: str, decision: str = "approve", *, seconds: float = 60.0) -> dict[str, Any]:
        """Decide whatever the conversation asks until it is idle; the conversation with its messages."""

        def look() -> dict[str, Any] | None:
            try:
                for each in self.pending(conversation):
                    self.decide(each["id"], decision)
                view: dict[str, Any] = self.get(f"/api/conversations/{conversation}")
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
                return None  # a room that was killed is on its way back
            return view if view["state"] == "idle" else None

        return until(look, seconds=seconds, what="the end of the turn")

    def ledger(self) -> list[dict[str, Any]]:
        """Every entry of the ledger that this person may see."""
        entries: list[dict[str, Any]] = []
        after: int | None = -1
        while after is not None:
            page = self.get("/api/audit", after=after, limit=200)
            entries += page["entries"]
            after = page["next"]
        return entries

    def verify(self) -> dict[str, Any]:
        """The check of the whole ledger."""
        report: dict[str, Any] = self.get("/api/audit/verify")
        return report

    def approve_connector(self, connector: str) -> None:
        """Allow a connector as it is, once it runs."""

        def look() -> dict[str, Any] | None:
            return next((each for each in self.get("/api/connectors") if each["id"] == connector), None)

        card = until(look, seconds=20, what=f"the connector {connector}")
        if not card["approved"]:
            self.http.post(f"/api/connectors/{connector}/approve", json={"digest": card["digest"]}).raise_for_status()

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a JSON object, the JSON of the answer."""
        answer: dict[str, Any] = _checked(self.http.post(path, json=dict(body))).json()
        return answer


def until(look: Callable[[], Found | None], *, seconds: float, what: str, every: float = 0.1) -> Found:
    """What `look` finds, asked until it finds something; `PeerError` names `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise PeerError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)
    return found


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        words = f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
        raise httpx.HTTPStatusError(words, request=answer.request, response=answer)
    return answer


def _events(answer: httpx.Response) -> Iterator[Event]:
    if answer.is_error:
        answer.read()
    _checked(answer)
    yield from read_events(answer.iter_lines())


def _until_run_ends(events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        yield event
        if event.ends_run:
            return


def _descendants(pid: int) -> Iterator[tuple[int, str]]:
    for child in _children(pid):
        yield child, _title(child)
        yield from _descendants(child)


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for file in Path(f"/proc/{pid}/task").glob("*/children") for each in file.read_text().split()]
    except OSError:
        return []


def _title(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} {command}"
    except OSError:
        return ""
