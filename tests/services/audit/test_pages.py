"""What an owner, the policy and a verifier read from the ledger."""

from datetime import timedelta

import pytest

from openassistant.context import new_id, utc_now
from openassistant.errors import Forbidden, NotFound
from openassistant.messages import (
    AuditAction,
    Call,
    Consistency,
    ConsistencyRequest,
    Done,
    Effect,
    ExportPage,
    ExportRequest,
    LedgerPage,
    LedgerQuery,
    Proof,
    ProofRequest,
    Record,
    TreeHead,
    TurnCalls,
    TurnQuery,
    call_digest,
)
from services.audit import checkpoint
from services.audit.records import LARGEST_CONTENT
from services.audit.tree import verify_consistency, verify_inclusion
from tests.services.audit.house import CARD, AuditHouse


async def _page(house: AuditHouse, **query: object) -> LedgerPage:
    return await house.ask("query", LedgerQuery.model_validate(query), LedgerPage)


async def _of_another(house: AuditHouse) -> str:
    stranger = new_id()
    ctx = house.context(house.grant(user=stranger), user=stranger)
    await house.begin(house.call(user=stranger, arguments={"query": "private"}), ctx)
    return stranger


async def test_an_owner_reads_his_own_records_with_their_content(house: AuditHouse) -> None:
    call = house.call()
    await house.begin(call)
    await _of_another(house)
    await house.end(call)
    page = await _page(house)
    assert [each.index for each in page.entries] == [0, 2]
    assert [each.action for each in page.entries] == ["tool.started", "tool.finished"]
    assert page.entries[0].content == {"arguments": {"query": "bicycle"}, "nonce": call.nonce}
    assert page.entries[1].content == {"result": "two bicycles"}
    assert page.head is not None
    assert page.head.size == 3


async def test_the_owner_can_work_out_the_call_digest_from_an_entry(house: AuditHouse) -> None:
    call = house.call(account=new_id())
    await house.begin(call)
    entry = (await _page(house)).entries[0]
    again = {"id": entry.id, "user": entry.user, "account": entry.account, "connector": entry.connector}
    again |= {"tool": entry.tool, "card_digest": CARD, **entry.content}
    assert call_digest(Call.model_validate(again)) == entry.call_digest


async def test_nobody_reads_without_a_grant_of_his_own(house: AuditHouse) -> None:
    stranger = new_id()
    await house.begin()
    for ctx in (
        house.context(house.session(stranger)),
        house.context(house.session()).model_copy(update={"grant": None}),
        house.context(house.session(), user=stranger),
        house.context(house.grant(expires=utc_now() - timedelta(seconds=1))),
    ):
        with pytest.raises(Forbidden):
            await house.ask("query", LedgerQuery(), LedgerPage, ctx)
        with pytest.raises(Forbidden):
            await house.ask("export", ExportRequest(), ExportPage, ctx)


async def test_pages_follow_each_other_in_both_directions(house: AuditHouse) -> None:
    await house.fill(5)
    first = await _page(house, limit=2)
    second = await _page(house, limit=2, after=first.next)
    third = await _page(house, limit=2, after=second.next)
    assert [[e.index for e in page.entries] for page in (first, second, third)] == [[0, 1], [2, 3], [4]]
    assert third.next is None
    newest = await _page(house, limit=3, newest=True)
    rest = await _page(house, limit=3, newest=True, after=newest.next)
    assert [[e.index for e in page.entries] for page in (newest, rest)] == [[4, 3, 2], [1, 0]]
    assert rest.next is None


async def test_a_page_is_narrowed_by_action_and_connector(house: AuditHouse) -> None:
    calls = await house.fill(2)
    await house.end(calls[0])
    assert [e.index for e in (await _page(house, actions=("tool.finished",))).entries] == [2]
    assert [e.index for e in (await _page(house, connector="mail")).entries] == [0, 1, 2]
    assert (await _page(house, connector="caldav")).entries == ()


async def test_a_page_is_narrowed_to_a_conversation(house: AuditHouse) -> None:
    await house.fill(1)
    elsewhere = new_id()
    await house.begin(house.call(), house.context(house.grant(conversation=elsewhere)))
    assert [e.index for e in (await _page(house, conversation=elsewhere)).entries] == [1]
    assert (await _page(house, conversation=new_id())).entries == ()
    assert (await _page(house, conversation=elsewhere, actions=("tool.failed", "tool.unknown"))).entries == ()


async def test_large_contents_make_short_pages_and_lose_nothing(house: AuditHouse) -> None:
    for call in await house.fill(12):
        await house.end(call, content={"result": "x" * (LARGEST_CONTENT - 100)})
    seen, after, pages = [], -1, 0
    while after is not None:
        page = await _page(house, after=after, limit=500)
        seen += [each.index for each in page.entries]
        after, pages = page.next, pages + 1  # type: ignore[assignment]
    assert seen == list(range(24))
    assert pages > 1
    assert len(await house.export()) == 25


async def test_of_a_very_large_content_the_digest_is_kept(house: AuditHouse) -> None:
    (call,) = await house.fill(1)
    await house.end(call, content={"result": "x" * LARGEST_CONTENT})
    content = (await _page(house)).entries[1].content
    assert set(content) == {"digest", "bytes"}


async def test_the_policy_sees_every_call_that_was_started(house: AuditHouse) -> None:
    done, running = await house.fill(2)
    await house.end(done)
    later = new_id()
    third = house.call(tool="messages_read")
    await house.begin(third, house.context(house.grant(turn=later)))
    other = house.call()
    await house.begin(other, house.context(house.grant(conversation=new_id())))
    await _of_another(house)
    found = await house.ask("turn", TurnQuery(user=house.user, conversation=house.conversation), TurnCalls)
    assert [(e.id, e.outcome, e.turn) for e in found.calls] == [
        (done.id, "finished", house.turn),
        (running.id, None, house.turn),
        (third.id, None, later),
    ]
    assert {(e.connector, e.card_digest, e.effect) for e in found.calls} == {("mail", CARD, Effect.DELETE)}
    assert [(e.index, e.ended) for e in found.calls[:2]] == [(0, 2), (1, None)]
    narrowed = await house.ask("turn", TurnQuery(user=house.user, turn=later), TurnCalls)
    assert [e.tool for e in narrowed.calls] == ["messages_read"]


async def test_a_proof_leads_from_the_record_to_the_signed_head(house: AuditHouse) -> None:
    await house.fill(6)
    proof = await house.ask("proof", ProofRequest(index=4), Proof)
    path = [bytes.fromhex(each) for each in proof.path]
    assert verify_inclusion(bytes.fromhex(proof.leaf), 4, proof.head.size, path, bytes.fromhex(proof.head.root))
    assert checkpoint.read(proof.head.checkpoint, house.trust.raw_public("audit")) == proof.head


async def test_a_proof_is_given_for_ones_own_records_alone(house: AuditHouse) -> None:
    await _of_another(house)
    for index in (0, 1, -1):
        with pytest.raises(NotFound):
            await house.ask("proof", ProofRequest(index=index), Proof)


async def test_a_head_covers_what_was_answered_before(house: AuditHouse) -> None:
    for size in range(4):
        head = await house.ask("head", Done(), TreeHead)
        assert head.size == size
        await house.begin()


async def test_no_room_is_told_what_another_user_did(house: AuditHouse) -> None:
    stranger = await _of_another(house)
    lines = await house.export()
    assert stranger not in "".join(lines)
    assert "private" not in "".join(lines)


async def test_what_was_stored_for_an_erased_user_reads_as_nothing(house: AuditHouse) -> None:
    await house.fill(1)
    await house.restart()
    house.keys[house.user] = bytes(32)
    entry = (await _page(house)).entries[0]
    assert entry.content is None
    assert (await house.verify()).ok


async def test_a_record_of_the_gateway_is_in_its_users_ledger(house: AuditHouse) -> None:
    entry = Record(id=new_id(), action=AuditAction.SESSION_STARTED, content={"address": "192.0.2.1"})
    await house.send("gateway", entry, house.context(house.session()))
    assert (await _page(house)).entries[0].content == {"address": "192.0.2.1"}


async def test_a_consistency_proof_leads_from_a_kept_head_to_the_newest_one(house: AuditHouse) -> None:
    for _ in range(3):
        await house.begin(house.call())
    kept = await house.ask("head", Done(), TreeHead)
    for _ in range(4):
        await house.begin(house.call())
    proof = await house.ask("consistency", ConsistencyRequest(first=kept.size), Consistency)
    path, old, new = (bytes.fromhex(each) for each in proof.path), bytes.fromhex(kept.root), proof.head
    assert (kept.size, new.size) == (3, 7)
    assert verify_consistency(kept.size, new.size, list(path), old, bytes.fromhex(new.root))
    with pytest.raises(NotFound):
        await house.ask("consistency", ConsistencyRequest(first=8), Consistency)
