"""Forged, changed, expired and replayed leave, over the real bus: refused by the connector and by the vault."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from nats.aio.msg import Msg

from openassistant import subjects
from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, NotFound, OaError, Unavailable
from openassistant.grants import SigningKey
from openassistant.messages import Call, Effect, KeyRequest
from openassistant.seal import SealingKey
from tests.e2e.intruder import Intruder
from tests.e2e.stack import Stack
from tests.peers.house import House, open_house

pytestmark = [pytest.mark.e2e, pytest.mark.needs_dovecot]

Forge = Callable[[Intruder, Call], CallContext]
STRANGER = SigningKey.generate()
PAST = utc_now() - timedelta(seconds=1)
OTHER = {"to": ["mallory@example.org"], "subject": "Forged", "text": "Something else."}

FORGERIES: dict[str, Forge] = {
    "no approval": lambda i, c: i.context(c, approval=None),
    "an approval signed by another key": lambda i, c: i.context(c, approval=i.approval(c, key=STRANGER)),
    "an approval signed by the witness": lambda i, c: i.context(c, approval=i.approval(c, key=i.audit)),
    "an approval for other arguments": lambda i, c: i.context(c, approval=i.approval(i.mail(id=c.id, arguments=OTHER))),
    "an approval of another call with the same arguments": lambda i, c: i.context(c, approval=i.approval(i.mail())),
    "an expired approval": lambda i, c: i.context(c, approval=i.approval(c, expires=PAST)),
    "an approval by the policy": lambda i, c: i.context(c, approval=i.approval(c, decided_by="policy")),
    "an approval of another user": lambda i, c: i.context(c, approval=i.approval(c, user=new_id())),
    "a grant in place of an approval": lambda i, c: i.context(c, approval=i.grant()),
    "a rule signed by another key": lambda i, c: i.context(c, approval=i.by_rule(c, key=STRANGER)),
    "a rule for another tool": lambda i, c: i.context(c, approval=i.by_rule(c, tool="messages_reply")),
    "a rule of another user": lambda i, c: i.context(c, approval=i.by_rule(c, user=new_id())),
    "a rule of another conversation": lambda i, c: i.context(c, approval=i.by_rule(c, conversation=new_id())),
    "a rule for changes alone": lambda i, c: i.context(c, approval=i.by_rule(c, effect=Effect.WRITE)),
    "a rule that is over": lambda i, c: i.context(c, approval=i.by_rule(c, expires=PAST)),
    "an approval by a rule that it lacks": lambda i, c: i.context(c, approval=i.approval(c, decided_by="rule")),
    "no receipt": lambda i, c: i.context(c, receipt=None),
    "a receipt signed by another key": lambda i, c: i.context(c, receipt=i.receipt(c, key=STRANGER)),
    "a receipt signed by the gateway": lambda i, c: i.context(c, receipt=i.receipt(c, key=i.gateway)),
    "a receipt for another call": lambda i, c: i.context(c, receipt=i.receipt(i.mail())),
    "an expired receipt": lambda i, c: i.context(c, receipt=i.receipt(c, expires=PAST)),
    "no grant": lambda i, c: i.context(c, grant=None),
    "a grant signed by another key": lambda i, c: i.context(c, grant=i.grant(key=STRANGER)),
    "a grant of another user": lambda i, c: i.context(c, grant=i.grant(user=new_id())),
    "an expired grant": lambda i, c: i.context(c, grant=i.grant(expires=PAST)),
    "a grant for reading history": lambda i, c: i.context(c, grant=i.grant(kind="session", origin="session")),
    "a grant without this connector": lambda i, c: i.context(c, grant=i.grant(connectors={})),
    "a schedule's grant for other tools": lambda i, c: i.context(c, grant=i.grant(tools=("mail.messages_search",))),
    "a schedule's grant without this rule": lambda i, c: i.context(c, grant=i.grant(rules=()), approval=i.by_rule(c)),
    "a grant for another card": lambda i, c: i.context(c, grant=i.grant(connectors={"mail": "0" * 64})),
}


@pytest.fixture(scope="module")
def peers() -> Iterator[House]:
    with ExitStack() as stack:
        yield open_house(stack, mails=20)


@pytest.fixture(scope="module")
def intruder(peers: House) -> Iterator[Intruder]:
    with Stack(model=peers.model) as stack, stack.sign_in() as ada:
        ada.connect(peers.mail_account())
        yield Intruder(stack, ada)
        assert ada.verify()["ok"]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_the_connector_refuses(intruder: Intruder, peers: House, forgery: str) -> None:
    call, before = intruder.mail(), len(peers.smtp.sent)
    async with intruder.room("agent") as bus:
        with pytest.raises(Forbidden):
            await intruder.act(bus, call, FORGERIES[forgery](intruder, call))
    assert len(peers.smtp.sent) == before


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_the_vault_releases_no_password_for(intruder: Intruder, forgery: str) -> None:
    call = intruder.mail()
    async with intruder.room("mail") as bus:
        with pytest.raises(Forbidden):
            await intruder.secrets(bus, call, FORGERIES[forgery](intruder, call))


async def test_an_approved_call_is_done_once_however_often_it_is_replayed(intruder: Intruder, peers: House) -> None:
    call, before = intruder.mail(), len(peers.smtp.sent)
    async with intruder.room("agent") as bus:
        preview = await intruder.preview(call)
        approval = intruder.approval(call, preview_digest=preview.digest())
        first = await intruder.act(bus, call, intruder.context(call, approval=approval))
        for _ in range(3):
            again = await intruder.act(bus, call, intruder.context(call, approval=approval))
            assert again.content == first.content
        reused = intruder.mail(id=call.id, nonce=call.nonce, arguments=OTHER)
        with pytest.raises((Forbidden, Conflict)):
            await intruder.act(bus, reused, intruder.context(reused, approval=approval))
        with pytest.raises(Conflict):
            await intruder.act(bus, reused, intruder.context(reused))
    assert len(peers.smtp.sent) == before + 1


async def test_a_rule_lets_a_mail_out_to_its_people_alone(intruder: Intruder, peers: House) -> None:
    before = len(peers.smtp.sent)
    async with intruder.room("agent") as bus:
        for to, goes in (("carol@example.org", True), ("mallory@example.org", False)):
            call = intruder.mail(arguments={"to": [to], "subject": "Friday", "text": "I sign on Friday."})
            shown = (await intruder.preview(call)).digest()
            approval = intruder.approval(call, decided_by="rule", rule=intruder.rule(call), preview_digest=shown)
            if goes:
                await intruder.act(bus, call, intruder.context(call, approval=approval))
            else:
                with pytest.raises(Forbidden, match="rule"):
                    await intruder.act(bus, call, intruder.context(call, approval=approval))
    assert [mail.recipients for mail in peers.smtp.sent[before:]] == [("carol@example.org",)]


async def test_what_was_approved_must_still_be_what_would_happen(intruder: Intruder, peers: House) -> None:
    call, before = intruder.mail(), len(peers.smtp.sent)
    async with intruder.room("agent") as bus:
        other = await intruder.preview(intruder.mail(arguments=OTHER))
        with pytest.raises(Conflict, match="changed"):
            await intruder.act(
                bus, call, intruder.context(call, approval=intruder.approval(call, preview_digest=other.digest()))
            )
    assert len(peers.smtp.sent) == before


async def test_an_approval_is_good_for_the_card_alone_that_it_was_given_for(intruder: Intruder, peers: House) -> None:
    """The connector was replaced between the yes and the call: neither the old call nor the same one anew is done."""
    old, before = intruder.mail(card_digest="0" * 64), len(peers.smtp.sent)
    anew = intruder.mail(id=old.id, nonce=old.nonce)
    async with intruder.room("agent") as agent, intruder.room("mail") as mail:
        for call in (old, anew):
            ctx = intruder.context(call, approval=intruder.approval(old))
            with pytest.raises(Forbidden):
                await intruder.act(agent, call, ctx)
            with pytest.raises(Forbidden):
                await intruder.secrets(mail, call, ctx)
    assert len(peers.smtp.sent) == before


@pytest.mark.parametrize("room", ["agent", "caldav", "gateway", "audit"])
async def test_no_other_room_asks_the_vault_in_the_connectors_name(intruder: Intruder, room: str) -> None:
    call = intruder.mail()
    async with intruder.room(room) as bus:
        ctx = intruder.context(call).capped(2)
        with pytest.raises((Unavailable, DeadlineExceeded)):
            await intruder.secrets(bus, call, ctx)


async def test_another_connector_does_not_get_this_ones_password_under_its_own_name(intruder: Intruder) -> None:
    call = intruder.mail()
    async with intruder.room("caldav") as bus:
        with pytest.raises((Forbidden, NotFound)):
            await intruder.secrets(bus, call, intruder.context(call), connector="caldav")


async def test_no_refusal_tells_a_secret(intruder: Intruder, peers: House) -> None:
    password = peers.mail_account()["secrets"]["password"]
    call = intruder.mail()
    async with intruder.room("mail") as bus:
        for forge in FORGERIES.values():
            with pytest.raises(OaError) as refusal:
                await intruder.secrets(bus, call, forge(intruder, call))
            assert password not in f"{refusal.value.message} {refusal.value.details}"


@pytest.mark.parametrize(("named", "served"), [("mail", True), ("caldav", False)])
async def test_two_hostile_rooms_do_not_get_a_third_rooms_key(intruder: Intruder, named: str, *, served: bool) -> None:
    """One asks and names the vault's subject as the place for the answer; the other "answers" there with a request.

    With its own name it may do so, which shows that the way is open; with another one's it hears nothing.
    """
    answers: asyncio.Queue[bytes] = asyncio.Queue()
    target, inbox = subjects.vault_key(named), f"{subjects.replies('mail')}.{new_id()}"
    request = KeyRequest(public_key=SealingKey().public).model_dump_json().encode()
    async with intruder.room("agent") as asking, intruder.room("mail") as answering:
        asker, answerer = asking._transport._client, answering._transport._client  # type: ignore[attr-defined]

        async def smuggle(message: Msg) -> None:
            await answerer.publish(message.reply, request, reply=inbox, headers=CallContext.within(10).to_headers())

        async def hear(message: Msg) -> None:
            answers.put_nowait(message.data)

        await answerer.subscribe(subjects.tools_of("mail"), cb=smuggle)
        await answerer.subscribe(inbox, cb=hear)
        await answerer.flush()
        await asker.publish(subjects.tool("mail", intruder.user, "nothing"), b"{}", reply=target)
        if served:
            assert b"sealed" in await asyncio.wait_for(answers.get(), 5)
        else:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answers.get(), 3)
