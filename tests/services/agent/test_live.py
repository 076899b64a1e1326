"""What goes over the wire while an answer comes."""

import pytest
from ag_ui.core import TextMessageContentEvent

from services.agent.live import _content


@pytest.mark.parametrize("piece", ["lease ", "\n", 'a "quoted" \\ word', "Straße", "鍵", "\x00\x1f\u2028", "🔑"])
def test_a_piece_of_text_is_on_the_wire_what_the_protocol_says(piece: str) -> None:
    event = TextMessageContentEvent(message_id="m", delta=piece)
    assert _content("m", piece) == event.model_dump_json(by_alias=True, exclude_none=True).encode()
