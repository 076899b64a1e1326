"""Mail that wants an answer is told without asking Microsoft, which does not say what came from lists."""

from __future__ import annotations

from tests.connectors.outlook_mail.conftest import ADA, CAROL, Desk


async def test_unread_mail_to_ada_alone_waits_and_microsoft_is_not_asked(read: Desk) -> None:
    read.box.add(subject="Copied", text="See this.", cc=(CAROL,), when=read.ago(minutes=3))
    read.box.add(subject="Machine", text="Paid.", sender="no-reply@shop.example", when=read.ago(minutes=2))
    await read.sync()
    read.graph.asked.clear()
    answer = await read.house.call("messages_waiting", limit=100)
    assert [each["subject"]["text"] for each in answer["messages"]] == ["Lease"]
    assert "mailing lists" in answer["note"]
    assert read.graph.asked == []
    assert ADA in answer["messages"][0]["recipients"]["text"]
