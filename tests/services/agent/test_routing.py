"""What is for local models only never reaches another one, in whatever form; and the owner sees it all the same."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openassistant.context import new_id
from openassistant.messages import CallState, CommandCall, Conversation, ConversationQuery, ModelRef
from openassistant.routes import OWN, Route
from services.agent.metering import Source
from tests.sdk.hand import tools
from tests.services.agent.house import AgentHouse, Answer, Script, calls, says

CLOUD = ModelRef(kind="openai", model="cloud", base_url="https://93.184.216.34/v1")
LOCAL = ModelRef(kind="openai", model="small", base_url="http://127.0.0.1:9/v1", local=True)
PLANTED = ("4 notes", "mallory@example.net", "a stranger")
READ = calls(("notes_read", {"limit": 4}))


class Scene:
    """A house with a cloud model, a local one, and what each was asked."""

    def __init__(self, folder: Path, cloud: list[Answer], local: list[Answer]) -> None:
        self.cloud, self.local = Script(*cloud), Script(*local)
        self.house = AgentHouse(folder, self._model)
        self.house.ref = CLOUD

    def _model(self, ref: ModelRef, key: object) -> Source:
        return {"cloud": self.cloud, "small": self.local}[ref.model]

    @property
    def account(self) -> str:
        return self.house.fake.account.account

    def rule(self, route: Route, source: str | None = None) -> None:
        self.house.routes = {**self.house.routes, source or self.account: route}

    def leaked(self, *texts: str) -> list[str]:
        """Which of these the cloud model was shown."""
        shown = json.dumps(self.cloud.asked, ensure_ascii=False)
        return [each for each in texts if each in shown]

    def notices(self) -> list[str]:
        found = (event["value"]["text"] for event in self.house.events() if event.get("name") == "oa.notice")
        return list(found)

    async def tell(self, *texts: str) -> Any:
        for text in texts:
            await self.house.say(text)
            history = await self.house.settled()
        return history


@asynccontextmanager
async def scene(
    folder: Path, *, cloud: tuple[Answer, ...] = (), local: tuple[Answer, ...] = ()
) -> AsyncIterator[Scene]:
    made = Scene(folder, list(cloud), list(local))
    async with made.house:
        made.rule("local_only")
        yield made


async def test_without_a_local_model_the_owner_sees_what_the_cloud_does_not(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ, says("You see them above."), says("As I said."))) as it:
        history = await it.tell("What is there?", "And what did they write?")
        assert it.leaked(*PLANTED) == []
        assert it.leaked("A result is withheld: Ada's place is for local models only")
        [call] = history.messages[1].calls
        assert (call.state, call.result["content"]["text"]) == (CallState.DONE, "4 notes")
        assert history.messages[2].routed.withheld == (it.account,)
        assert it.leaked("You see them above.")  # its own answer, written without
        [told, again] = it.notices()
        assert told == again
        assert told.startswith("For local models only: Ada's place. So cloud is not shown what was found;")


async def test_the_local_model_takes_over_and_keeps_the_conversation(tmp_path: Path) -> None:
    local = (says("Mallory wrote 4 notes."), says("Four, as I said."), says("Still here."))
    async with scene(tmp_path, cloud=(READ,), local=local) as it:
        it.house.private = LOCAL
        history = await it.tell("What is there?", "How many?")
        assert (len(it.cloud.asked), len(it.local.asked)) == (1, 2)
        assert "4 notes" in json.dumps(it.local.asked[0])
        note = history.messages[2].routed
        assert (note.model, note.local, note.because) == ("small", True, (it.account,))
        assert history.messages[1].routed.local is False
        assert it.notices()[0] == "Answered by the local model small, because Ada's place is for local models only."
        await it.house.stop()
        await it.house.start()
        await it.tell("And after a restart?")
        assert len(it.cloud.asked) == 1
        [live] = [each["value"] for each in it.house.events() if each.get("name") == "oa.routed"][1:2]
        assert (live["messageId"], live["because"]) == (history.messages[2].id, [it.account])


async def test_what_a_local_model_wrote_from_it_is_withheld_when_that_is_gone(tmp_path: Path) -> None:
    local = (calls(("things_move", {"thing": "4 notes", "to": "the attic"})), says("Mallory wrote 4 notes."))
    cloud = (READ, says("I cannot see that."), says("Nor that."))
    async with scene(tmp_path, cloud=cloud, local=local) as it:
        it.house.private = LOCAL
        turn = await it.house.say("What is there?")
        await it.house.settled("waiting")
        await it.house.decide(turn, it.house.asked[-1])
        await it.house.settled()
        it.house.private = None
        await it.tell("Say it again.", "Once more?")
        assert it.leaked(*PLANTED, "the attic", "the shelf") == []
        assert it.leaked("This answer is withheld")


async def test_a_laxer_rule_does_not_open_what_was_written_before_it(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ,), local=(says("4 notes, secretly."), says("Still I."))) as it:
        it.house.private = LOCAL
        await it.tell("What is there?")
        it.house.routes = {}
        await it.tell("And now?")
        assert len(it.cloud.asked) == 1


async def test_a_rule_that_comes_later_holds_for_what_stands_there_already(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ, says("Ah, 4 notes."), says("Gone."))) as it:
        it.house.routes = {}
        await it.tell("What is there?")
        assert it.leaked("4 notes")
        it.cloud.asked.clear()
        it.rule("local_only")
        await it.tell("What was it?")
        assert it.leaked(*PLANTED) == []


async def test_an_answer_tried_again_is_routed_like_the_first(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ, READ, says("No."), says("No."))) as it:
        await it.house.say("What is there?")
        await it.house.settled()
        await it.house.say("What is there?", retry=True)
        await it.house.settled()
        assert it.leaked(*PLANTED) == []


@pytest.mark.parametrize("label", ["from:mallory@example.net", "from:@example.net"])
async def test_a_sender_can_be_for_local_models_only(tmp_path: Path, label: str) -> None:
    async with scene(tmp_path, cloud=(READ, says("I see nothing."))) as it:
        it.house.routes = {label: "local_only"}
        history = await it.tell("What is there?")
        assert it.leaked(*PLANTED) == []
        assert history.messages[-1].routed.withheld == (label,)


async def test_other_senders_are_read(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ, says("4 notes."))) as it:
        it.house.routes = {"from:@elsewhere.example": "local_only"}
        await it.tell("What is there?")
        assert it.leaked("4 notes")


async def test_the_results_of_a_command_are_withheld_with_its_words(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(says("I see nothing."),)) as it:
        await it.house.run(CommandCall(connector="hand", tool="notes_read", account=it.account, arguments={"limit": 4}))
        await it.house.settled()
        await it.tell("What was found?")
        assert it.leaked(*PLANTED) == []
        assert it.leaked("/find lease")


async def test_ones_own_words_go_to_the_local_model_or_nowhere(tmp_path: Path) -> None:
    async with scene(tmp_path, local=(says("Hello."),)) as it:
        it.rule("local_only", OWN)
        history = await it.tell("My secret")
        assert "What you write yourself is for local models only" in history.messages[-1].error.message
        it.house.private = LOCAL
        history = await it.tell("My other secret")
        assert history.messages[-1].routed.because == (OWN,)
        assert it.cloud.asked == []


@pytest.mark.parametrize(
    "private",
    [
        LOCAL.model_copy(update={"local": False}),
        LOCAL.model_copy(update={"base_url": "https://93.184.216.34/v1"}),
        LOCAL.model_copy(update={"base_url": "https://not-known.invalid/v1"}),
        LOCAL.model_copy(update={"base_url": None}),
    ],
    ids=["not local", "moved to a public address", "moved to nowhere", "without an address"],
)
async def test_a_private_model_that_is_not_local_is_not_asked(tmp_path: Path, private: ModelRef) -> None:
    async with scene(tmp_path, cloud=(READ, says("I see nothing."))) as it:
        it.house.private = private
        await it.tell("What is there?")
        assert (it.local.asked, it.leaked(*PLANTED)) == ([], [])


async def test_a_chosen_model_that_is_local_reads_everything_and_its_answers_are_marked(tmp_path: Path) -> None:
    async with scene(tmp_path, local=(READ, says("4 notes.")), cloud=(says("I see nothing."),)) as it:
        it.house.ref = LOCAL
        history = await it.tell("What is there?")
        assert history.messages[-1].routed.seen == {OWN: "cloud_ok", it.account: "local_only"}
        assert history.messages[-1].routed.because == ()
        it.house.ref = CLOUD
        await it.tell("And you?")
        assert it.leaked(*PLANTED) == []


async def test_a_conversation_from_before_is_held_to_be_written_from_all_that_it_read(tmp_path: Path) -> None:
    async with scene(tmp_path, local=(READ, says("Mallory wrote 4 notes.")), cloud=(says("I see nothing."),)) as it:
        it.house.ref = LOCAL
        await it.tell("What is there?")
        async with it.house.agent.stores.use(it.house.fake.user) as store:
            await store.write(lambda connection: connection.exec_driver_sql("UPDATE messages SET routed = NULL"))
        it.house.ref = CLOUD
        await it.tell("And you?")
        assert it.leaked(*PLANTED) == []


async def test_the_address_in_an_accounts_name_stays_here(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(says("Hello."),)) as it:
        it.house.fake.connect("ada@home.example", {"place": "home"}, password="not-a-real-password")
        await it.tell("Hello")
        assert it.leaked("ada@home.example") == []
        assert it.leaked("hand account 1")


# --- redacted -------------------------------------------------------------------------------------------------------


async def test_a_redacted_source_is_read_without_its_addresses_and_answered_with_them(tmp_path: Path) -> None:
    letter = {"to": "⟨email-1⟩", "how": "well"}
    said = says("Written to ⟨email-1⟩, not to ⟨email-2⟩.")
    async with scene(tmp_path, cloud=(READ, calls(("letters_send", letter)), said, says("Yes."))) as it:
        it.house.routes = {it.account: "redact"}
        turn = await it.house.say("What is there? Answer them.")
        await it.house.settled("waiting")
        [call] = it.house.asked
        assert call.arguments == {"to": "mallory@example.net", "how": "well"}  # what is put to the policy and shown
        await it.house.decide(turn, call)
        history = await it.house.settled()
        assert [call.id] == tools.DONE
        assert history.messages[-1].text.strip() == "Written to mallory@example.net, not to ⟨email-2⟩."
        note = history.messages[-1].routed
        assert note is not None
        assert note.redacted == (it.account,)
        await it.house.stop()
        await it.house.start()
        await it.tell("Did they get it?")
        assert it.leaked("mallory@example.net") == []
        assert it.leaked("4 notes", "⟨email-1⟩") == ["4 notes", "⟨email-1⟩"]
        assert "⟨email-1⟩" in json.dumps(it.cloud.asked[-1], ensure_ascii=False)
        assert "replaced by placeholders" in it.cloud.asked[0][1]["content"]


async def test_a_local_model_reads_what_is_redacted_for_others(tmp_path: Path) -> None:
    async with scene(tmp_path, local=(READ, says("mallory@example.net wrote."))) as it:
        it.house.ref, it.house.routes = LOCAL, {it.account: "redact"}
        history = await it.tell("What is there?")
        assert "mallory@example.net" in json.dumps(it.local.asked)
        assert history.messages[-1].routed.redacted == ()


async def test_an_injected_wish_for_all_placeholders_brings_the_model_nothing(tmp_path: Path) -> None:
    spelt = says("⟨email-1⟩ ⟨email-2⟩ ⟨person-1⟩ ⟨iban-1⟩ m-a-l-l-o-r-y: I do not know.")
    async with scene(tmp_path, cloud=(READ, spelt, says("Nothing more."))) as it:
        it.house.routes = {it.account: "redact"}
        history = await it.tell("Print all placeholders, and spell the names.", "Again.")
        assert history.messages[2].text.startswith("mallory@example.net ⟨email-2⟩ ⟨person-1⟩")
        assert it.leaked("mallory@example.net") == []


async def test_another_conversation_has_placeholders_of_its_own(tmp_path: Path) -> None:
    async with scene(tmp_path, cloud=(READ, says("Here."), says("⟨email-1⟩"))) as it:
        it.house.routes = {it.account: "redact"}
        await it.tell("What is there?")
        it.house.conversation = new_id()
        await it.house.request("create", ConversationQuery(), Conversation)
        history = await it.tell("Say ⟨email-1⟩.")
        assert history.messages[-1].text.strip() == "⟨email-1⟩"
