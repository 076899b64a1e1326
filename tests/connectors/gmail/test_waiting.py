"""Mail that wants an answer is told without asking Google."""

from __future__ import annotations

from tests.connectors.gmail.conftest import ADA, CAROL, Desk


async def test_unread_mail_to_ada_alone_waits_and_google_is_not_asked(desk: Desk) -> None:
    await desk.deliver("A question")
    await desk.deliver("From a machine", sender="Shop <no-reply@shop.example>")
    await desk.deliver("To two", to=f"{ADA}, {CAROL}")
    await desk.sync()
    desk.front.seen.clear()
    answer = await desk.house.call("messages_waiting", limit=100)
    found = [each["subject"]["text"] for each in answer["messages"]]
    assert "A question" in found
    assert not {"From a machine", "To two"} & set(found)
    assert all(each["unread"] for each in answer["messages"])
    assert desk.front.seen == []
