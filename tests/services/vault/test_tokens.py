"""A secret leaves for its own connector alone, against every signature, once the witness has written it down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from openassistant.budgets import NOTHING, Budget
from openassistant.context import CallContext, new_id
from openassistant.errors import Conflict, DeadlineExceeded, Forbidden, Internal, NotFound, OaError, Unavailable
from openassistant.grants import SigningKey
from openassistant.messages import Account, AuditAction, Call, Effect
from tests.services.vault.house import CARD, DIGEST, PASSWORD, VaultHouse

THIEF = SigningKey.generate()
READ, WRITE, SEND = "messages_search", "messages_flag", "messages_send"


@pytest.fixture
async def account(house: VaultHouse) -> Account:
    return await house.connect()


async def refused(house: VaultHouse, account: Account, ctx: CallContext, **request: Any) -> None:
    """Refused, with nothing written down as released."""
    with pytest.raises(Forbidden):
        await house.release(account, ctx, **request)
    assert house.records == []


# --- what is released ---------------------------------------------------------------------------------------------


async def test_a_granted_read_gets_the_secrets_and_the_release_is_written_down(
    house: VaultHouse, account: Account
) -> None:
    call = house.call(account)
    payload = await house.release(account, house.acting(call, approval=None), call=call)
    assert payload.secrets == {"password": PASSWORD}
    (record,) = house.records
    assert (record.action, record.connector, record.account) == (AuditAction.TOKEN_RELEASED, "mail", account.id)
    assert PASSWORD not in record.model_dump_json()


@pytest.mark.parametrize("tool", [WRITE, SEND])
async def test_an_approved_effect_gets_the_secrets(house: VaultHouse, account: Account, tool: str) -> None:
    call = house.call(account, tool)
    payload = await house.release(account, house.acting(call), call=call, effect=Effect.WRITE)
    assert payload.secrets == {"password": PASSWORD}


async def test_background_work_gets_the_secrets_of_its_own_account(house: VaultHouse, account: Account) -> None:
    ctx = house.context(grant=house.account_grant(account))
    assert (await house.release(account, ctx)).secrets == {"password": PASSWORD}
    assert len(house.records) == 1


async def test_a_profile_holds_no_secret_and_is_not_written_down(house: VaultHouse, account: Account) -> None:
    payload = await house.release(account, house.context(grant=house.grant()), profile=True)
    assert (payload.settings, payload.secrets) == ({"host": "imap.home.example"}, {})
    assert house.records == []


async def test_a_models_key_is_for_the_agent_in_a_turn_of_any_user(house: VaultHouse) -> None:
    model = await house.connect("agent", api_key="not-a-real-key")
    other = house.context(grant=house.grant(user=new_id(), connectors={}, budget=Budget(model_calls=1)))
    assert (await house.release(model, other, caller="agent")).secrets == {"api_key": "not-a-real-key"}
    assert len(house.records) == 1


# --- what is not --------------------------------------------------------------------------------------------------


async def test_another_connector_gets_nothing(house: VaultHouse, account: Account) -> None:
    call = house.call(account)
    wide = house.grant(connectors={"mail": DIGEST, "caldav": DIGEST})
    for caller in ("caldav", "agent", "gateway", "audit", "vault"):
        await refused(house, account, house.acting(call, grant=wide), call=call, caller=caller)
        background = house.context(grant=house.account_grant(account))
        await refused(house, account, background, caller=caller)
        await refused(house, account, background, caller=caller, profile=True)


@pytest.mark.parametrize(
    "forged",
    [
        lambda house: None,
        lambda house: "eyJ.not.a-token",
        lambda house: house.grant(by=THIEF),
        lambda house: house.grant(by=house.audit),
        lambda house: house.grant(user=new_id()),
        lambda house: house.grant(connectors={}),
        lambda house: house.grant(connectors={"caldav": DIGEST}),
        lambda house: house.grant(expires=house.now() - timedelta(seconds=1)),
        lambda house: house.grant(kind="session", origin="session", turn=None),
        lambda house: house.grant()[:-4] + "AAAA",
    ],
)
async def test_no_grant_but_the_right_one_opens(
    house: VaultHouse, account: Account, forged: Callable[[VaultHouse], str | None]
) -> None:
    call = house.call(account)
    await refused(house, account, house.acting(call, grant=forged(house)), call=call)


async def test_the_grant_of_another_account_does_not_open(house: VaultHouse, account: Account) -> None:
    other = await house.connect()
    await refused(house, account, house.context(grant=house.account_grant(other)))
    await refused(house, account, house.context(grant=house.account_grant(account, user=new_id())))


async def test_another_card_than_the_approved_one_gets_nothing(house: VaultHouse, account: Account) -> None:
    changed = "f" * 64
    call = house.call(account, card_digest=changed)
    await refused(house, account, house.acting(call), call=call)
    call = house.call(account)
    await refused(house, account, house.acting(call, grant=house.grant(connectors={"mail": changed})), call=call)


async def test_a_turn_without_a_call_or_with_a_call_on_another_account_gets_nothing(
    house: VaultHouse, account: Account
) -> None:
    other = await house.connect()
    await refused(house, account, house.context(grant=house.grant()))
    unnamed = house.call(account).model_copy(update={"account": None})
    for call in (house.call(other), unnamed, house.call(account, connector="caldav")):
        await refused(house, account, house.acting(call), call=call)


@pytest.mark.parametrize(
    "forged",
    [
        lambda house, call, other: None,
        lambda house, call, other: "eyJ.not.a-token",
        lambda house, call, other: house.receipt(call, by=THIEF),
        lambda house, call, other: house.receipt(call, by=house.gateway),
        lambda house, call, other: house.receipt(other),
        lambda house, call, other: house.receipt(other, call_id=call.id),
        lambda house, call, other: house.receipt(call, call_id=other.id),
        lambda house, call, other: house.receipt(call, expires=house.now() - timedelta(seconds=1)),
        lambda house, call, other: house.approval(call),
        lambda house, call, other: house.grant(),
    ],
)
async def test_no_receipt_but_the_right_one_opens(
    house: VaultHouse, account: Account, forged: Callable[[VaultHouse, Call, Call], str | None]
) -> None:
    call = house.call(account)
    other = house.call(account, arguments={"to": "mallory"})
    await refused(house, account, house.acting(call, receipt=forged(house, call, other)), call=call)


APPROVALS: list[Callable[[VaultHouse, Call, Call], str | None]] = [
    lambda house, call, other: None,
    lambda house, call, other: "eyJ.not.a-token",
    lambda house, call, other: house.approval(call, by=THIEF),
    lambda house, call, other: house.approval(call, by=house.audit),
    lambda house, call, other: house.approval(other),
    lambda house, call, other: house.approval(other, call_id=call.id),
    lambda house, call, other: house.approval(call, call_id=other.id),
    lambda house, call, other: house.approval(call, user=other.id),
    lambda house, call, other: house.approval(call, expires=house.now() - timedelta(seconds=1)),
    lambda house, call, other: house.receipt(call),
    lambda house, call, other: house.grant(),
]


@pytest.mark.parametrize("tool", [WRITE, SEND])
@pytest.mark.parametrize("forged", APPROVALS)
async def test_no_approval_but_the_right_one_opens(
    house: VaultHouse, account: Account, tool: str, forged: Callable[[VaultHouse, Call, Call], str | None]
) -> None:
    call = house.call(account, tool)
    other = house.call(account, tool, arguments={"to": "mallory"})
    await refused(house, account, house.acting(call, approval=forged(house, call, other)), call=call)


async def test_a_send_needs_a_person_and_a_write_does_not(house: VaultHouse, account: Account) -> None:
    send, write = house.call(account, SEND), house.call(account, WRITE)
    await refused(house, account, house.acting(send, approval=house.approval(send, decided_by="policy")), call=send)
    by_policy = house.acting(write, approval=house.approval(write, decided_by="policy"))
    assert (await house.release(account, by_policy, call=write)).secrets


async def test_a_send_under_a_rule_opens(house: VaultHouse, account: Account) -> None:
    send = house.call(account, SEND)
    assert (await house.release(account, house.acting(send, approval=house.by_rule(send)), call=send)).secrets


async def test_no_rule_opens_for_a_delete(house: VaultHouse, account: Account) -> None:
    unknown = house.call(account, "messages_shred")
    await refused(house, account, house.acting(unknown, approval=house.by_rule(unknown)), call=unknown)


@pytest.mark.parametrize(
    "changes",
    [
        {"tool": "messages_reply"},
        {"account": "2" * 32},
        {"user": "2" * 32},
        {"connector": "post"},
        {"conversation": "2" * 32},
        {"effect": Effect.WRITE},
        {"expires": datetime(2020, 1, 1, tzinfo=UTC)},
        {"by": SigningKey.generate()},
    ],
)
async def test_a_rule_about_something_else_opens_nothing(
    house: VaultHouse, account: Account, changes: dict[str, Any]
) -> None:
    send = house.call(account, SEND)
    await refused(house, account, house.acting(send, approval=house.by_rule(send, **changes)), call=send)


async def test_a_hand_cannot_lower_an_effect_below_its_card_but_may_raise_it(
    house: VaultHouse, account: Account
) -> None:
    send, read = house.call(account, SEND), house.call(account, READ)
    await refused(house, account, house.acting(send, approval=None), call=send, effect=Effect.READ)
    await refused(house, account, house.acting(read, approval=None), call=read, effect=Effect.SEND)


async def test_what_no_known_card_declares_counts_as_delete(house: VaultHouse, account: Account) -> None:
    unknown = house.call(account, "messages_shred")
    await refused(house, account, house.acting(unknown, approval=None), call=unknown)
    by_policy = house.approval(unknown, decided_by="policy")
    await refused(house, account, house.acting(unknown, approval=by_policy), call=unknown)
    house.vault.catalogue._seen.clear()
    read = house.call(account)
    await refused(house, account, house.acting(read, approval=None), call=read)
    house.announce(CARD)
    assert (await house.release(account, house.acting(read, approval=None), call=read)).secrets


async def test_a_read_that_the_grant_does_not_allow_needs_an_approval(house: VaultHouse, account: Account) -> None:
    call = house.call(account)
    await refused(house, account, house.acting(call, grant=house.grant(effects=()), approval=None), call=call)


async def test_a_models_key_is_not_for_background_work_or_a_session(house: VaultHouse) -> None:
    model = await house.connect("agent", api_key="not-a-real-key")
    for kind, origin in (("session", "session"), ("account", "connect")):
        ctx = house.context(grant=house.grant(kind=kind, origin=origin, budget=Budget(model_calls=1)))
        with pytest.raises(Forbidden):
            await house.release(model, ctx, caller="agent")
    thinking = house.grant(budget=Budget(model_calls=1))
    with pytest.raises(Forbidden):
        await house.release(model, house.context(grant=thinking), caller="mail")


async def test_a_models_key_is_not_for_a_turn_that_has_nothing_to_spend(house: VaultHouse) -> None:
    model = await house.connect("agent", api_key="not-a-real-key")
    for budget in (NOTHING, Budget(tokens=10**9, micro=10**9, tool_calls=60)):
        with pytest.raises(Forbidden):
            await house.release(model, house.context(grant=house.grant(budget=budget)), caller="agent")


async def test_a_call_after_its_deadline_gets_nothing(house: VaultHouse, account: Account) -> None:
    ctx = house.context(grant=house.account_grant(account))
    house.later = timedelta(seconds=30)
    with pytest.raises(DeadlineExceeded):
        await house.release(account, ctx)
    assert house.records == []


async def test_an_account_that_is_not_there_is_not_found(house: VaultHouse, account: Account) -> None:
    gone = account.model_copy(update={"id": new_id()})
    with pytest.raises(NotFound):
        await house.release(gone, house.context(grant=house.account_grant(gone)))


# --- the witness first --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [Unavailable("full"), Forbidden("no"), Internal("broken"), Conflict("other")])
async def test_what_the_witness_does_not_take_is_not_released(
    house: VaultHouse, account: Account, refusal: OaError
) -> None:
    house.refusal = refusal
    with pytest.raises(type(refusal)):
        await house.release(account, house.context(grant=house.account_grant(account)))


async def test_without_a_witness_nothing_is_released_and_nobody_waits(house: VaultHouse, account: Account) -> None:
    await house.silence_witness()
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await house.release(account, house.context(grant=house.account_grant(account)))


async def test_the_record_is_there_before_the_secret_is_decrypted(house: VaultHouse, account: Account) -> None:
    opened: list[int] = []
    decrypt = house.vault._credentials.decrypt

    def watched(token: bytes) -> dict[str, str]:
        opened.append(len(house.records))
        return decrypt(token)

    house.vault._credentials.decrypt = watched  # type: ignore[method-assign]
    await house.release(account, house.context(grant=house.account_grant(account)))
    assert opened == [1]
