"""A person who moves: what one house kept of him is in another as it was, and leaves that one as it came."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pyrage
import pytest

from deploy.verify_export import verify
from openassistant.grants import Trust
from tests.e2e.stack import OWNER_PASSWORD, Person, Stack, until
from tests.e2e.test_rules import asked_for
from tests.e2e.test_story import QUESTION, connect_everything
from tests.peers.house import House, open_house

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

PHRASE = "not a real passphrase of ada"
PART = 900_000


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with ExitStack() as peers:
        yield open_house(peers, mails=60)


def live(ada: Person, house: House) -> str:
    """Some of everything; the conversation in which something was sent."""
    connect_everything(ada, house)
    told = ada.converse()
    ada.say(told, QUESTION)
    made = ada.http.post("/api/rules", json={"approval": asked_for(ada, told)["messages_reply"], "lasts": "month"})
    assert made.status_code == 201, made.text
    ada.settle(told)
    for number in range(3):
        ada.say(ada.converse(), f"Say {number}")
    ada.converse()
    for words in ("The cat is called Minka", "Carol is my landlady"):
        ada.post("/api/memories", {"text": words, "pinned": words.startswith("Carol")})
    soon = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT08:00:00")
    draft = {
        "name": "Morning", "prompt": "What is new?", "starts": soon, "zone": "Europe/Berlin", "rule": "FREQ=DAILY",
        "connectors": ["mail"], "acts": True, "rules": [made.json()["id"]],
    }  # fmt: skip
    paused = ada.post("/api/schedules", {**draft, "name": "Evening", "rules": [], "acts": False})
    ada.post("/api/schedules", draft)
    ada.http.post(f"/api/schedules/{paused['id']}/pause").raise_for_status()
    ada.post("/api/tokens", {"name": "laptop", "scopes": ["chat"], "expires_in_days": 30})
    account = ada.get("/api/accounts")[0]["id"]
    ada.put(f"/api/routes/{account}", {"route": "redact"})
    return told


def archive(person: Person, **keys: str) -> bytes:
    """A new archive, fetched in two parts as after a broken download."""
    begun = person.http.post("/api/data/export", json={"password": OWNER_PASSWORD, **keys})
    assert begun.status_code == 202, begun.text

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = person.get("/api/data/export")
        return found if found["state"] == "ready" else None

    export = until(look, seconds=150, what="the archive")
    path = f"/api/data/export/{export['id']}/archive"
    half = export["size"] // 2
    first = person.http.get(path, headers={"Range": f"bytes=0-{half - 1}"})
    rest = person.http.get(path, headers={"Range": f"bytes={half}-", "If-Range": first.headers["ETag"]})
    assert [first.status_code, rest.status_code] == [206, 206]
    whole = first.content + rest.content
    assert person.http.get(path).content == whole
    return whole


def files_of(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def bring(person: Person, whole: bytes, **keys: str) -> dict[str, Any]:
    """Sends an archive in parts and has it taken in."""
    sent = person.post("/api/data/import", {"size": len(whole)})
    for at in range(0, len(whole), PART):
        part = person.http.put(
            f"/api/data/import/{sent['id']}/content", params={"offset": at}, content=whole[at : at + PART],
            headers={"Content-Type": "application/octet-stream"},
        )  # fmt: skip
        assert part.status_code == 200, part.text
    person.post(f"/api/data/import/{sent['id']}/start", keys)

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = person.get("/api/data/import")
        return found if found["state"] in ("done", "refused") else None

    return until(look, seconds=120, what="the end of the import")


def test_what_is_taken_to_a_new_house_leaves_it_again_as_it_came(house: House) -> None:
    with Stack(model=house.model) as old:
        with old.sign_in() as ada:
            told = live(ada, house)
            wrong = ada.http.post("/api/data/export", json={"password": "not-the-password-at-all"})
            assert wrong.status_code == 422
            sealed = archive(ada, passphrase=PHRASE)
            conversations = ada.get("/api/conversations")
            user = ada.get("/api/session")["user"]["id"]
        public = Trust.load(old.data_dir / "keys" / "gateway" / "trust.json").raw_public("audit")
    whole = pyrage.passphrase.decrypt(sealed, PHRASE)
    first = files_of(whole)
    assert user not in "".join(body.decode(errors="replace") for name, body in first.items() if name[:5] != "audit")
    assert verify(first["audit/ledger.jsonl"].decode().splitlines(), public).calls >= 3

    with Stack(model=house.model) as new, new.sign_in() as ada:
        for connector in ("mail", "caldav"):
            ada.approve_connector(connector)
        for _ in range(2):
            done = bring(ada, sealed, passphrase=PHRASE)
            assert (done["state"], done["kind"], done["left_out"]) == ("done", "archive", [])
        second = files_of(archive(ada))
        name = f"audit/earlier/{hashlib.sha256(first['audit/ledger.jsonl']).hexdigest()[:16]}/ledger.jsonl"
        assert second.pop(name) == first.pop("audit/ledger.jsonl")
        assert second.pop("audit/ledger.jsonl")
        manifests = [json.loads(each.pop("manifest.json")) for each in (first, second)]
        assert sorted(first) == sorted(second)
        assert [path for path, body in first.items() if second[path] != body] == []
        assert {"gateway/memories.json", "gateway/rules.json", "vault/accounts.json"} <= set(first)
        assert f"agent/conversations/{told}.json" in first
        assert [each["format"] for each in manifests] == [1, 1]

        assert ada.get("/api/conversations") == conversations
        assert {each["state"] for each in ada.get("/api/accounts")} == {"attention"}
        assert {each["problem"]["action"] for each in ada.get("/api/accounts")} == {"reconnect"}
        assert ada.get("/api/rules") == ada.get("/api/schedules") == ada.get("/api/tokens") == []
        assert {each["name"] for each in ada.get("/api/schedules/proposals")} == {"Morning", "Evening"}
        assert {each["tainted"] for each in ada.get("/api/memories")} == {True}
        history = ada.get(f"/api/conversations/{told}")
        assert {each["outside"] for each in history["messages"]} == {"an archive"}
        ada.say(told, "Say hello")
        final = ada.settle(told)
        assert [each["outside"] for each in final["messages"][-2:]] == [None, None]
        assert ada.verify()["ok"]
