"""Nobody reaches what is another person's: every route, with every other credential of the house, the owner's too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.e2e.probes import OWNER_SEES, PROBES, SOON, Probe, filled
from tests.e2e.stack import OWNER, OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_disk import find, written
from tests.e2e.test_story import QUESTION
from tests.peers.house import House, open_house
from tests.peers.oidc import OidcProvider
from tests.peers.push import PushService
from tests.peers.script import Script, Step, ToolCall, When, load_script
from tests.services.gateway.authenticator import Authenticator

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

BOB, EVE, BEN = "bob", "eve", "ben"
PLACES = (
    "title", "message", "answer", "edited", "memory", "schedule", "prompt", "proposal", "token", "agent", "mailbox",
    "calendar", "sender", "browser", "shown", "subject", "passkey", "file",
)  # fmt: skip
HOUSES = ("user", "person", "sign_in", "invitation")
"""What is no secret of the victim's among the ids: who lives here, the house's own provider, an open invitation."""
PLANTED = {place: f"planted-{place}-otter" for place in PLACES}
VOLATILE = {"seen_at", "last_used_at", "sync", "expires_at", "seconds", "oldest", "newest", "bytes", "count"}
HOUSE_WIDE = {
    "GET /api/openid/mine",
    "GET /api/model",
    "GET /api/oauth/clients",
    "GET /api/connectors",
    "GET /api/usage",
}
"""What the owner may change for everybody, and does here."""
FILE = "application/octet-stream"
BEHIND_THE_SCENES = {"token.released", "key.released", "traffic.counted", "notice.sent", "model.asked"}
"""What the house itself writes into the victim's ledger while he does nothing."""


class Victim(NamedTuple):
    """Bob, with something of everything, and what to call it by; each of `ids` is tried."""

    person: Person
    ids: list[dict[str, str]]
    known: set[str]
    """The ids of everything of his."""


class Attacker(NamedTuple):
    """Somebody with a credential that is not Bob's, or with none."""

    name: str
    http: httpx.Client
    user: str = ""
    owner: bool = False

    @property
    def nobody(self) -> bool:
        """Whether no credential is shown at all."""
        return self.name == "nobody"


def script() -> Script:
    proposal = {"name": PLANTED["proposal"], "prompt": "Say it", "starts": SOON[:16]}
    steps = (
        Step(prose=4000, delay=0.2, when=When(user_says="slowly")),
        Step(calls=[ToolCall("schedule_propose", proposal)], when=When(user_says="propose", fresh=0)),
        Step(say=f"Done: {PLANTED['answer']}.", when=When(user_says="propose")),
    )
    story = load_script("story")
    return Script([*steps, *story.steps], story.otherwise)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        opened = open_house(peers, mails=60)
        opened.model.script = script()
        yield opened


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with PushService() as running:
        yield running


@pytest.fixture(scope="module")
def stack(house: House, service: PushService) -> Iterator[Stack]:
    with Stack(
        model=house.model, connectors=("mail", "caldav", "gmail"), env={"OA_PUSH_HOSTS": service.origin}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as running:
        yield running


@pytest.fixture(scope="module")
def ada(stack: Stack, provider: OidcProvider) -> Iterator[Person]:
    with stack.sign_in() as person:
        for connector in ("mail", "caldav", "gmail"):
            person.approve_connector(connector)
        person.http.put(
            "/api/oauth/clients/google", json={"client_id": "house", "client_secret": "obviously-fake"}
        ).raise_for_status()
        client = provider.register(f"{stack.url}/login/back")
        draft = {"label": "Family ID", "issuer": provider.url, **client}
        person.post(
            "/api/openid/providers", {name: draft[name] for name in ("label", "issuer", "client_id", "client_secret")}
        )
        provider.tell(PLANTED["subject"], email=f"{PLANTED['shown']}@home.example", email_verified=True)
        person.lift_limits()
        yield person


def password_of(name: str) -> str:
    return OWNER_PASSWORD if name == OWNER else f"not-a-real-password-of-{name}"


@pytest.fixture(scope="module")
def victim(stack: Stack, ada: Person, house: House, service: PushService, provider: OidcProvider) -> Iterator[Victim]:
    for name in (BOB, BEN):
        stack.add_person(name, password_of(name))
    with Person(stack.url, BOB, password_of(BOB)) as first:
        first.http.headers["User-Agent"] = PLANTED["agent"]
        first.post("/api/session", {"username": BOB, "password": password_of(BOB)})
        yield furnished(first, house, service, {**ways_of(first, provider), **offered_to(first, ada)})


def offered_to(bob: Person, ada: Person) -> dict[str, str]:
    """A link to another password for Bob, which waits; he is told of it. And an invitation that is open."""
    user = bob.get("/api/session")["user"]["id"]
    link = ada.post(f"/api/people/{user}/reset", {"password": OWNER_PASSWORD})
    [word] = bob.get("/api/told")
    invitation = ada.post("/api/people/invitations", {"password": OWNER_PASSWORD})
    return {"reset_link": link["path"].partition("#")[2], "word": word["id"], "invitation": invitation["id"]}


def archive_of(bob: Person) -> str:
    """An archive of everything of Bob's, ready to be fetched."""
    move = bob.post("/api/data/export", {"password": password_of(BOB)})["id"]

    def look() -> str | None:
        return move if bob.get("/api/data/export")["state"] == "ready" else None

    return until(look, seconds=150, what="the archive")


def passkey_of(bob: Person) -> str:
    """A passkey of Bob's; a browser makes one only at a name of the house."""
    origin = f"http://localhost:{bob.http.base_url.port}"
    key, http = Authenticator(origin), bob.http
    names = {"Host": origin.partition("//")[2], "Origin": origin}
    begin = {"password": password_of(BOB)}
    going = http.post("/api/security/passkeys/begin", json=begin, headers=names).raise_for_status().json()
    body = {"id": going["id"], "name": PLANTED["passkey"], "credential": key.make(going["options"])}
    return str(http.post("/api/security/passkeys", json=body, headers=names).raise_for_status().json()["id"])


def ways_of(bob: Person, provider: OidcProvider) -> dict[str, str]:
    """A sign-in at a provider that Bob has added, and another one that he has begun to add."""
    [way] = [each["id"] for each in bob.http.get("/api/openid").json()]
    going = bob.post("/api/openid/link", {"provider": way})
    back = urlencode(provider.allow(going["url"], subject=PLANTED["subject"]))
    assert bob.post("/api/openid/returned", {"address": f"http://localhost/login/back?{back}"})["linked"]
    [link] = bob.get("/api/openid/mine")["links"]
    begun = bob.post("/api/openid/link", {"provider": way})
    state = parse_qs(urlsplit(begun["url"]).query)["state"][0]
    return {"sign_in": way, "link_id": link["id"], "link_state": state}


def furnished(bob: Person, house: House, service: PushService, more: dict[str, str]) -> Victim:
    """Everything that a person can have here."""
    bob.connect({**house.mail_account(), "name": PLANTED["mailbox"]})
    bob.connect({**house.calendar_account(), "name": PLANTED["calendar"]})
    accounts = {each["connector"]: each["id"] for each in bob.get("/api/accounts")}
    done, held = bob.converse(), bob.converse()
    bob.say(done, QUESTION)
    acted = bob.settle(done)["messages"][-2]["calls"]
    bob.put(f"/api/accounts/{accounts['mail']}/hold", {"seconds": 600})
    bob.say(held, QUESTION)
    for each in bob.pending(held):
        bob.decide(each["id"], "approve")
    parked = bob.post("/api/conversations", {"title": PLANTED["title"]})["id"]
    bob.say(parked, f"{QUESTION} {PLANTED['message']}")
    waiting = next(each for each in bob.pending(parked) if each["connector"] == "mail")
    arguments = bob.get(f"/api/approvals/{waiting['id']}/form")["arguments"]
    edited = bob.put(
        f"/api/approvals/{waiting['id']}/arguments",
        {"arguments": {**arguments, "text": PLANTED["edited"]}, "seen": waiting["preview_digest"]},
    )
    running, proposing = bob.converse(), bob.converse()
    bob.say(proposing, "Please propose something")
    bob.say_and_leave(running, "Tell me slowly")
    service.known_key = bob.get("/api/notices")["key"]
    browser = bob.post("/api/notices/browsers", {**service.subscribe().draft, "name": PLANTED["browser"]})
    bob.put("/api/notices/mail", {"account": accounts["mail"], "password": password_of(BOB)})
    flow = bob.post("/api/oauth/authorize", {"connector": "gmail", "capabilities": ["read"]})
    bob.put(f"/api/routes/from:{PLANTED['sender']}@example.org", {"route": "local_only"})
    schedule = bob.post("/api/schedules", {
        "name": PLANTED["schedule"], "prompt": PLANTED["prompt"], "starts": SOON, "zone": "UTC",
    })  # fmt: skip
    user = bob.get("/api/session")["user"]["id"]
    ids = {
        "name": BOB,
        "user": user,
        "person": user,
        "conversation": parked,
        "message": bob.get(f"/api/conversations/{parked}")["messages"][0]["id"],
        "call": waiting["call_id"],
        "approval": waiting["id"],
        "seen": edited["preview_digest"],
        "account": accounts["mail"],
        "source": accounts["caldav"],
        "file": bob.give(b"\x89PNG\r\n\x1a\n" + PLANTED["file"].encode(), name=f"{PLANTED['file']}.png"),
        "memory": bob.post("/api/memories", {"text": f"My word is {PLANTED['memory']}"})["id"],
        "rule": bob.post("/api/rules", {"approval": waiting["id"], "lasts": "month"})["id"],
        "schedule": schedule["id"],
        "proposal": bob.get("/api/schedules/proposals")[0]["id"],
        "token": bob.post("/api/tokens", {"name": PLANTED["token"], "scopes": ["chat"]})["id"],
        "passkey": passkey_of(bob),
        "session_id": bob.get("/api/sessions")[0]["id"],
        "browser": browser["id"],
        "loan": bob.post("/api/loans", {"account": accounts["mail"], "person": BEN})["id"],
        "flow": flow["id"],
        "state": parse_qs(urlsplit(flow["url"]).query)["state"][0],
        "link": link_of(house),
        **more,
        "move": archive_of(bob),
        "room": "mail",
        "kind": "messages",
        "connector": "mail",
        "command": "find",
        "provider": "google",
        "model": "open-assistant",
        "index": str(max(each["index"] for each in bob.ledger())),
        "day": datetime.now(UTC).date().isoformat(),
        "host": "127.0.0.1",
        "port": str(house.smtp.port),
    }  # fmt: skip
    incoming = bob.post("/api/data/import", {"size": 1000})["id"]
    others = [
        {**ids, "conversation": conversation, "call": acted[0]["id"], "move": incoming}
        for conversation in (done, held, proposing, running)
    ]
    known = {value for name, value in ids.items() if re.fullmatch(r"[0-9a-f]{32}", value) and name not in HOUSES}
    return Victim(bob, [ids, *others], known | {done, held, running, proposing, incoming, *accounts.values()})


def link_of(house: House) -> str:
    """The token in the link of a mail that told Bob that something waits."""

    def look() -> str | None:
        found = [re.search(r"/#?\S*#(\S+)", each.text) for each in house.smtp.sent if "#" in each.text]
        return next((each[1] for each in found if each), None)

    return until(look, seconds=120, what="the mail about what waits")


@pytest.fixture(scope="module")
def attackers(stack: Stack, ada: Person, victim: Victim, house: House) -> Iterator[list[Attacker]]:
    """Everybody else: without a credential, and another member and the owner with a cookie and with a token."""
    stack.add_person(EVE, password_of(EVE))
    with ExitStack() as opened:

        def client(**headers: str) -> httpx.Client:
            plain = {"Origin": stack.url, **headers}
            return opened.enter_context(httpx.Client(base_url=stack.url, headers=plain, timeout=60, trust_env=False))

        found = [Attacker("nobody", client())]
        for name in (EVE, OWNER):
            person = opened.enter_context(Person(stack.url, name, password_of(name)))
            person.connect(house.calendar_account())
            draft = {"name": "all", "scopes": ["chat", "approve", "accounts", "audit"], "password": password_of(name)}
            token = person.post("/api/tokens", draft)["token"]
            user, owner = person.get("/api/session")["user"]["id"], name == OWNER
            with_token = client(Authorization=f"Bearer {token}")
            found += [
                Attacker(f"{name} with a cookie", person.http, user, owner=owner),
                Attacker(f"{name} with a token", with_token, user, owner=owner),
            ]
        yield found


def tried(attacker: Attacker, route: str, ids: dict[str, str]) -> tuple[httpx.Response, str]:
    """The answer to a probe, and what the request itself held."""
    probe, (method, path) = PROBES[route], route.split(" ")
    body, query = filled(probe.body, ids), filled(probe.query, ids)
    is_file = isinstance(body, bytes)
    sent: dict[str, Any] = {"content": body, "headers": {"Content-Type": FILE}} if is_file else {"json": body}
    answer = attacker.http.request(method, filled(path, ids), params=query, **sent)
    return answer, f"{answer.request.url} {body!r}" if is_file else f"{answer.request.url} {json.dumps(body)}"


def fault_of(attacker: Attacker, route: str, answer: httpx.Response) -> str | None:
    """What is wrong with the status of an answer."""
    probe, status = PROBES[route], answer.status_code
    if status >= 500:
        return "a fault inside"
    if probe.kind == "open":
        return None
    if attacker.nobody:
        return None if status == 401 else "open without a credential"
    if probe.kind == "theirs" and status not in (403, 404):
        return None if status == 200 and answer.json() in probe.empty else "it is there for somebody else"
    if probe.kind == "house" and (probe.does or not attacker.owner) and status != 403:
        return "not the owner's alone, in his browser"
    return None


def told_in(attacker: Attacker, route: str, answer: httpx.Response, sent: str, victim: Victim) -> list[str]:
    """What of the victim's is in an answer or its headers, but for what the request itself named.

    What the attacker's own attempts left under his own name in the ledger is his.
    """
    shown = answer.text
    if route == "GET /api/audit/export":
        shown = "\n".join(each for each in shown.splitlines() if f'"user": "{attacker.user}"' not in each)
    whole = f"{shown}\n{answer.headers}"
    secret = [*PLANTED.values(), QUESTION, *victim.known]
    if not (attacker.owner and route in OWNER_SEES):
        secret += [victim.ids[0]["user"], f'"{BOB}"']
    return [each for each in secret if each in whole and each not in sent]


def state_of(victim: Victim) -> dict[str, Any]:
    """All that the victim sees of his own, without what moves by itself."""
    shown: dict[str, Any] = {}
    left_out = {"GET /api/conversations/{conversation}/events", "GET /api/audit", "GET /api/audit/export"}
    left_out |= {"GET /api/audit/verify", "GET /api/audit/consistency", "GET /api/left", "GET /api/left/entries"}
    left_out |= {"GET /api/audit/{index}/proof", "GET /api/data/export/{move}/archive"}
    left_out |= {"GET /api/conversations/{conversation}/export"}
    for ids in victim.ids:
        for route, probe in PROBES.items():
            if not route.startswith("GET /api") or probe.kind == "open" or route in left_out:
                continue
            answer = victim.person.http.get(filled(route.split(" ")[1], ids))
            assert answer.status_code in (200, 403, 409), f"{route}: {answer.status_code} {answer.text}"
            is_json = answer.headers["content-type"].startswith("application/json")
            shown[filled(route, ids)] = steady(answer.json()) if is_json else answer.text
    running = victim.ids[-1]["conversation"]
    history = shown[f"GET /api/conversations/{running}"]
    assert history["state"] == "running"
    history["messages"], history["last_event_id"] = history["messages"][:1], None
    return shown


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: steady(each) for name, each in value.items() if name not in VOLATILE}
    return [steady(each) for each in value] if isinstance(value, list) else value


def in_order() -> list[str]:
    """All routes; what changes the house, or ends the attacker's own sign-in, comes last."""
    last = ("DELETE /api/session", "POST /api/data/erase")
    return sorted(PROBES, key=lambda route: (route in last, PROBES[route].kind == "house"))


def varies(probe: Probe, route: str) -> bool:
    """Whether a probe is about a conversation, a call or an archive, of which the victim has several."""
    return any(word in f"{route} {probe.body!r}" for word in ("{conversation}", "{call}", "{move}"))


def may(attacker: Attacker, route: str) -> bool:
    """Whether an owner in his browser does, and may, what a probe tries."""
    return PROBES[route].does and attacker.owner and "cookie" in attacker.name


def test_nobody_else_reaches_anything_of_a_person_by_any_route(
    stack: Stack, victim: Victim, attackers: list[Attacker]
) -> None:
    before, ledger = state_of(victim), victim.person.ledger()
    shown = json.dumps(before)
    assert [place for place, words in PLANTED.items() if words not in shown] == ["subject"]
    faults = list[str]()
    for route in in_order():
        for attacker in (each for each in attackers if not may(each, route)):
            for number, ids in enumerate(victim.ids):
                if number and not varies(PROBES[route], route):
                    continue
                answer, sent = tried(attacker, route, ids)
                wrong = [f"told {each}" for each in told_in(attacker, route, answer, sent, victim)]
                wrong += filter(None, [fault_of(attacker, route, answer)])
                where = f"{attacker.name}: {route} ({number}): {answer.status_code}"
                faults += [f"{where} {each}: {answer.text[:200]}" for each in wrong]
    assert not faults, "\n".join(faults)
    after = state_of(victim)
    assert [name for name, value in after.items() if before.get(name) != value and name not in HOUSE_WIDE] == []
    assert before.keys() == after.keys()
    entries = victim.person.ledger()
    assert entries[: len(ledger)] == ledger
    assert {each["action"] for each in entries[len(ledger) :]} <= BEHIND_THE_SCENES | {"session.refused"}
    assert find(written(stack), PLANTED) == []
    assert [words for words in PLANTED.values() if words in stack.log] == []
