"""A turn of before the house was restored ends with words, and acts no more."""

from __future__ import annotations

from pathlib import Path

from openassistant.messages import CallState
from tests.sdk.hand import tools
from tests.services.agent.house import AgentHouse, agent_house, calls, says

WHY = "This house was restored from a copy."


async def put_back(house: AgentHouse) -> None:
    """The agent starts on a copy; the gateway says of every turn that it was put aside."""
    await house.stop()
    house.aside = WHY
    await house.start()


async def test_what_waited_is_not_done_and_says_why(tmp_path: Path) -> None:
    async with agent_house(tmp_path, calls(("letters_send", {"to": "carol@example.org"})), says("Sent.")) as house:
        turn = await house.say("Write to Carol")
        await house.settled("waiting")
        await put_back(house)
        history = await house.settled()
        [call] = history.messages[1].calls
        assert call.state is CallState.DENIED
        assert history.messages[-1].error is not None
        assert history.messages[-1].error.message == WHY
        assert (tools.DONE, len(house.model.asked), house.ended) == ([], 1, [turn])


async def test_what_was_being_done_is_unknown_and_not_asked_for_again(tmp_path: Path) -> None:
    async with agent_house(tmp_path, calls(("letters_send", {"to": "carol@example.org"})), says("Sent.")) as house:
        turn = await house.say("Write to Carol")
        await house.settled("waiting")
        async with house.agent.stores.use(house.fake.user) as store:
            await store.write(
                lambda connection: connection.exec_driver_sql(
                    "UPDATE calls SET state = 'running', approval = 'x'"
                ).close()
            )
            await store.write(
                lambda connection: connection.exec_driver_sql("UPDATE turns SET state = 'running'").close()
            )
        await put_back(house)
        history = await house.settled()
        assert [call.state for call in history.messages[1].calls] == [CallState.UNKNOWN]
        assert (tools.DONE, house.ended) == ([], [turn])


async def test_a_turn_in_which_the_model_spoke_is_not_asked_on(tmp_path: Path) -> None:
    async with agent_house(tmp_path, says("I will", then_hangs=True), says("Never.")) as house:
        await house.say("Write to Carol")
        await house.settled("running")
        await put_back(house)
        history = await house.settled()
        assert history.messages[-1].error is not None
        assert history.messages[-1].error.message == WHY
        assert len(house.model.asked) <= 1


async def test_afterwards_the_conversation_goes_on_with_what_is_asked_anew(tmp_path: Path) -> None:
    script = (calls(("letters_send", {"to": "carol@example.org"})), says("Here I am."))
    async with agent_house(tmp_path, *script) as house:
        await house.say("Write to Carol")
        await house.settled("waiting")
        await put_back(house)
        await house.settled()
        await house.say("Are you there?")
        history = await house.settled()
        assert history.messages[-1].text.strip() == "Here I am."
