"""What must hold of a house with somebody hostile in the agent's place, by what the others in it say."""

from __future__ import annotations

from collections import Counter

from tests.e2e.stack import until
from tests.hostile.scene import Row, Scene

__all__ = ["a_flood_passes", "nothing_happened", "one_yes_is_one_mail"]

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
