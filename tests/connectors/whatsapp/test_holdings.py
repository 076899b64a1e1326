"""What is held of a number is counted, leaves as lines and as Markdown, and is forgotten for good."""

from __future__ import annotations

from typing import Any

from tests.connectors.holding import counted, forgets, listed

WORD = "quincejam"


async def filled(desk: Any) -> None:
    await desk.sync()
    await desk.written(f"Bring the {WORD}.")
    await desk.written("And on Sunday?")
    await desk.house.call("messages_send", chat=await desk.chat(), text="On Sunday, yes.")


async def test_messages_leave_as_lines_and_chats_as_markdown(desk: Any) -> None:
    await filled(desk)
    held = await counted(desk.house)
    assert (held["chats"], held["messages"], held["calls"]) == (1, 3, 1)
    files = await desk.house.exported()
    lines = listed(files, "Ada's number/messages.jsonl")
    assert [(line["text"], line["mine"]) for line in lines] == [
        (f"Bring the {WORD}.", False), ("And on Sunday?", False), ("On Sunday, yes.", True),
    ]  # fmt: skip
    written = {path: body.decode() for path, body in files.items() if path.endswith(".md")}
    [(path, chat)] = written.items()
    assert path.startswith("Ada's number/chats/")
    assert chat.startswith("# Carol Meyer\n")
    assert chat.index(WORD) < chat.index("And on Sunday?") < chat.index("**me**")
    assert {line["phone"] for line in listed(files, "Ada's number/chats/index.jsonl")} == {"16505551234"}


async def test_what_is_forgotten_is_in_no_page_and_does_not_come_with_a_repeated_push(desk: Any) -> None:
    await desk.sync()
    push = desk.meta.says(desk.carol, f"Bring the {WORD}.")
    await desk.hear(push)
    desk.later += desk.later.__class__(minutes=5)
    went = await forgets(desk.house, WORD, kinds=["messages"])
    assert went == {"messages": 1}
    await desk.hear(push)
    assert "messages" not in await counted(desk.house)
    await desk.written("Still there?")
    assert (await counted(desk.house))["messages"] == 1


async def test_a_chat_goes_with_its_messages(desk: Any) -> None:
    await filled(desk)
    went = await forgets(desk.house, WORD, kinds=["chats", "outgoing"])
    assert (went["chats"], went["messages"], went["outgoing"]) == (1, 3, 1)
    await desk.written("Hello again")
    assert [each["text"]["text"] for each in await desk.read()] == ["Hello again"]
