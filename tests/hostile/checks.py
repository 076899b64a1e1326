"""What must hold of a house with somebody hostile in the agent's place, by what the others in it say."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.e2e.events import read_events
from tests.e2e.stack import until
from tests.hostile.scene import Row, Scene

__all__ = [
    "a_flood_passes",
    "a_question_is_never_worded_by_the_agent",
    "decisions_at_once_are_one",
    "nothing_happened",
    "one_yes_is_one_mail",
]

_FAILED = {"refused", "denied", "silent", "asked"}
_WITHOUT_DATA = {"foreign"}
"""A read that names another's account may be answered, from one's own file, where nothing of that account is."""


def nothing_happened(scene: Scene, noted: list[Row]) -> None:
    """No attempt was answered as asked but those that may be; the mail and calendar servers agree."""
    tried = [row for row in noted if "family" in row]
    done = [row for row in tried if row["verdict"] not in _FAILED and row["family"] not in _WITHOUT_DATA]
    assert [row for row in done if not row["may"]] == []
    assert [row for row in tried if row["may"] and row["verdict"] != "done"] == []
    families = Counter(row["family"] for row in tried)
    assert families.keys() >= {
        "tools",
        "receipts",
        "approvals",
        "policy",
        "renewals",
        "vault",
        "ledger",
        "bus",
        "taint",
    }
    assert families["tools"] >= 300
    assert {row["code"] for row in tried if row["family"] in ("tools", "receipts")} <= {"forbidden", "invalid_request"}
    assert {row["verdict"] for row in tried if row["family"] == "taint"} == {"asked"}
    _untouched(scene)
    record = scene.ada.ledger()
    assert not [each for each in record if each["action"] == "approval.granted"]
    assert not [each for each in record if each["action"] == "token.released" and each["turn"]]
    assert [each for each in record if each["action"] == "tool.started" and each["tool"] == "messages_send"]
    assert scene.ben.get("/api/approvals") == []


def _untouched(scene: Scene) -> None:
    assert scene.peers.smtp.sent == ()
    assert scene.peers.holdings() == scene.before
    assert scene.seen() == []
    assert scene.ada.verify()["ok"]
    assert {each["id"]: each["digest"] for each in scene.ada.get("/api/connectors")} == scene.cards
    assert [each["state"] for each in scene.ben.get("/api/accounts")] == ["connected", "connected"]
    assert not [each for each in scene.ben.ledger() if each["action"].startswith(("tool.", "approval.", "policy."))]


def one_yes_is_one_mail(scene: Scene) -> None:
    """A letter that the owner approves goes once, to whom he approved it, however the yes is used."""
    before = len(scene.peers.smtp.sent)
    asked = next(row for row in scene.obey(scene.ada, "ask") if row.get("event") == "asked")
    scene.ada.decide(asked["approval"], "approve")
    until(lambda: [row for row in scene.events("decided") if row["approval"] == asked["approval"]] or None,
          seconds=20, what="the decision")  # fmt: skip
    brief = scene.brief()
    noted = scene.obey(scene.ada, "use", **brief, approval=asked["approval"], call=asked["call"])
    tried = [row for row in noted if row.get("family") == "a true yes"]
    assert [row for row in tried if not row["may"] and row["verdict"] not in _FAILED] == []
    assert [row for row in tried if row["may"] and row["verdict"] != "done"] == []
    [sent] = scene.peers.smtp.sent[before:]
    assert (sent.recipients, sent.subject, sent.user) == (("carol@example.org",), "Asked", "ada@home.example")
    assert scene.seen() == []
    assert scene.ada.verify()["ok"]


def _answer(scene: Scene, path: str, body: Row) -> int:
    return scene.ada.http.post(path, json=body).status_code


def decisions_at_once_are_one(scene: Scene, *, rounds: int) -> None:
    """Devices that decide the same question differently in the same moment: one is right, and it is told once."""
    for number in range(rounds):
        asked = next(row for row in scene.obey(scene.ada, "ask") if row.get("event") == "asked")
        path = f"/api/approvals/{asked['approval']}"
        said = [{"decision": "approve" if (each + number) % 2 else "deny"} for each in range(6)]
        with ThreadPoolExecutor(len(said)) as devices:
            answers = list(devices.map(partial(_answer, scene, path), said))
        ended = scene.ada.get(path)["state"]
        right = {"approved": "approve", "denied": "deny"}[ended]
        assert {code for code, body in zip(answers, said, strict=True) if body["decision"] == right} == {200}
        assert {code for code, body in zip(answers, said, strict=True) if body["decision"] != right} == {409}

        def told(approval: str = asked["approval"]) -> list[Row] | None:
            return [row for row in scene.events("decided") if row["approval"] == approval] or None

        [decision] = until(told, seconds=20, what="the decision")
        assert decision["approved"] is (ended == "approved")
        record = [
            each["action"] for each in scene.ada.ledger() if each["action"] in ("approval.granted", "approval.denied")
        ]
        assert len(record) == number + 1


def a_question_is_never_worded_by_the_agent(scene: Scene) -> None:
    """A client of AG-UI hears of what waits in the gateway's words, and of nothing that was never put."""
    body = {
        "threadId": scene.talk(scene.ada), "runId": "a-run", "state": {}, "tools": [], "context": [],
        "messages": [{"id": "m", "role": "user", "content": json.dumps({"do": "interrupt"})}],
    }  # fmt: skip
    with scene.ada.http.stream("POST", "/api/agui", json=body, timeout=60) as answer:
        [*_, last] = read_events(answer.iter_lines())
    [waiting] = last.data["outcome"]["interrupts"]
    approval = waiting["metadata"]["approval"]
    assert (waiting["id"], waiting["message"]) == (approval["id"], approval["preview"]["verb"])
    assert [each["value"] for each in approval["preview"]["destinations"]] == ["mallory@evil.example"]
    assert approval == scene.ada.get(f"/api/approvals/{waiting['id']}")
    assert "flowers" not in json.dumps(last.data)
    scene.ada.decide(waiting["id"], "deny")


def a_flood_passes(scene: Scene) -> None:
    """Whatever it says at once, the house answers both people afterwards, and goes on with its work."""
    sent = len(scene.peers.smtp.sent)
    scene.obey(scene.ada, "flood", **scene.brief())

    def well() -> bool | None:
        answer = scene.ada.http.get("/readyz")
        return True if answer.status_code == 200 else None

    until(well, seconds=60, what="a house that is well")
    for person in (scene.ada, scene.ben):
        assert [each["state"] for each in person.get("/api/accounts")] == ["connected", "connected"]
    again = scene.obey(scene.ada, "reads", **scene.brief())
    assert [row["verdict"] for row in again if "family" in row] == ["done"]
    assert len(scene.peers.smtp.sent) == sent
    assert scene.seen() == []
    assert scene.ada.verify()["ok"]
