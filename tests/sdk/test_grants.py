"""What is signed holds; what is forged, expired, swapped or replayed for another call does not."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openassistant.context import CallContext, new_id, utc_now
from openassistant.errors import DeadlineExceeded, Forbidden
from openassistant.grants import Approval, Grant, Receipt, SigningKey, Trust
from openassistant.guard import admit_call, require_approval
from openassistant.messages import Call, Effect, call_digest

GATEWAY, AUDIT = SigningKey.generate(), SigningKey.generate()
TRUST = Trust.of(gateway=GATEWAY, audit=AUDIT)
NOW = utc_now()
SOON = NOW + timedelta(minutes=5)


def call(**changes: object) -> Call:
    plain = {
        "id": new_id(),
        "nonce": "ab" * 16,
        "user": "0" * 32,
        "connector": "mail",
        "card_digest": "d",
        "tool": "messages_send",
        "arguments": {"to": ["carol@example.org"], "body": "I sign on Friday"},
    }
    return Call.model_validate({**plain, **changes})


def grant(**changes: object) -> Grant:
    plain = {"id": new_id(), "kind": "turn", "user": "0" * 32, "origin": "message", "connectors": {"mail": "d"}}
    return Grant.model_validate({**plain, "expires": SOON, **changes})


def receipt(for_call: Call, **changes: object) -> Receipt:
    plain = {"index": 1, "leaf": "00", "time": NOW.isoformat(), "call_digest": call_digest(for_call)}
    return Receipt.model_validate({**plain, "call_id": for_call.id, "expires": SOON, **changes})


def approval(for_call: Call, **changes: object) -> Approval:
    plain = {"id": new_id(), "call_digest": call_digest(for_call), "call_id": for_call.id, "user": for_call.user}
    return Approval.model_validate({**plain, "decided_by": "person", "expires": SOON, **changes})


def context(for_call: Call, **tokens: str) -> CallContext:
    signed = {"grant": GATEWAY.sign(grant()), "receipt": AUDIT.sign(receipt(for_call)), **tokens}
    return CallContext.within(60, now=NOW, user=for_call.user).signed(**signed)


def admit(ctx: CallContext, one: Call, effect: Effect = Effect.SEND) -> None:
    held = admit_call(ctx, one, trust=TRUST, connector="mail", digest="d", now=NOW)
    require_approval(ctx, one, grant=held, effect=effect, trust=TRUST, now=NOW)


def test_a_call_with_grant_receipt_and_a_persons_approval_is_admitted() -> None:
    one = call()
    admit(context(one, approval=GATEWAY.sign(approval(one))), one)


def test_a_read_needs_no_approval() -> None:
    one = call()
    admit(context(one), one, Effect.READ)


@pytest.mark.parametrize("effect", [Effect.WRITE, Effect.SEND, Effect.DELETE])
def test_an_effect_without_approval_is_refused(effect: Effect) -> None:
    one = call()
    with pytest.raises(Forbidden, match="no approval"):
        admit(context(one), one, effect)


def test_a_policy_approves_writes_and_nothing_stronger() -> None:
    one = call()
    ctx = context(one, approval=GATEWAY.sign(approval(one, decided_by="policy")))
    admit(ctx, one, Effect.WRITE)
    with pytest.raises(Forbidden, match="person"):
        admit(ctx, one, Effect.SEND)


def test_an_approval_for_other_arguments_is_refused() -> None:
    one = call()
    other = call(id=one.id, arguments={"to": ["mallory@example.net"], "body": "I sign on Friday"})
    with pytest.raises(Forbidden, match="another call"):
        admit(context(other, approval=GATEWAY.sign(approval(one))), other)


def test_an_expired_approval_is_refused() -> None:
    one = call()
    late = approval(one, expires=NOW - timedelta(seconds=1))
    with pytest.raises(Forbidden, match="expired"):
        admit(context(one, approval=GATEWAY.sign(late)), one)


def test_an_approval_signed_by_another_key_is_refused() -> None:
    one = call()
    with pytest.raises(Forbidden, match="not signed"):
        admit(context(one, approval=SigningKey.generate().sign(approval(one))), one)


def test_a_receipt_cannot_stand_in_for_an_approval() -> None:
    one = call()
    with pytest.raises(Forbidden):
        admit(context(one, approval=AUDIT.sign(receipt(one))), one)


def test_a_call_without_receipt_is_refused() -> None:
    one = call()
    ctx = CallContext.within(60, now=NOW).signed(grant=GATEWAY.sign(grant()))
    with pytest.raises(Forbidden, match="no receipt"):
        admit(ctx, one, Effect.READ)


def test_a_receipt_for_another_call_is_refused() -> None:
    one, other = call(), call()
    with pytest.raises(Forbidden, match="another call"):
        admit(context(one, receipt=AUDIT.sign(receipt(other))), one, Effect.READ)


def test_a_receipt_signed_by_the_gateway_is_refused() -> None:
    one = call()
    with pytest.raises(Forbidden, match="not signed"):
        admit(context(one, receipt=GATEWAY.sign(receipt(one))), one, Effect.READ)


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "1" * 32},
        {"connectors": {"mail": "another card"}},
        {"connectors": {"caldav": "d"}},
        {"kind": "session", "origin": "session"},
        {"kind": "account", "origin": "connect"},
        {"expires": NOW - timedelta(seconds=1)},
    ],
)
def test_a_grant_of_another_user_card_connector_kind_or_time_is_refused(changes: dict[str, object]) -> None:
    one = call()
    with pytest.raises(Forbidden):
        admit(context(one, grant=GATEWAY.sign(grant(**changes))), one, Effect.READ)


def test_a_passed_deadline_is_refused_before_anything_else() -> None:
    one = call()
    ctx = context(one).model_copy(update={"deadline": NOW - timedelta(seconds=1)})
    with pytest.raises(DeadlineExceeded):
        admit(ctx, one, Effect.READ)


def test_a_grant_that_was_good_once_is_refused_when_its_time_is_over() -> None:
    token = GATEWAY.sign(grant())
    assert TRUST.grant(token, now=NOW).expires == TRUST.expired_grant(token).expires
    with pytest.raises(Forbidden, match="expired"):
        TRUST.grant(token, now=SOON + timedelta(seconds=1))


def test_an_unsigned_token_is_refused() -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    claims = grant().model_dump(mode="json")
    forged = f"{part({'alg': 'none', 'typ': 'oa-grant+jwt'})}.{part(claims)}."
    with pytest.raises(Forbidden):
        TRUST.grant(forged, now=NOW)


@given(position=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_no_single_changed_byte_of_a_signed_approval_is_accepted(position: int, flip: int) -> None:
    one = call(id="1" * 32)
    token = GATEWAY.sign(approval(one, id="2" * 32))
    raw = bytearray(token.encode())
    place = position % (len(raw) - 1)
    raw[place] ^= flip
    with pytest.raises(Forbidden):
        TRUST.approval(raw.decode("latin-1"), now=NOW)


@given(
    st.dictionaries(st.text(max_size=20), st.recursive(st.text() | st.integers(-(2**50), 2**50), st.lists), max_size=5)
)
def test_the_digest_of_a_call_does_not_depend_on_the_order_of_its_arguments(arguments: dict[str, object]) -> None:
    one = call(id="1" * 32, arguments=arguments)
    turned = call(id="1" * 32, arguments=dict(reversed(list(arguments.items()))))
    assert call_digest(one) == call_digest(turned)
