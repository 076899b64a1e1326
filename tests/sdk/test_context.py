"""The context arrives as it was sent, its deadline holds, and its ids sort by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from openassistant.context import PROTOCOL, CallContext, new_id, new_traceparent
from openassistant.errors import DeadlineExceeded, InvalidRequest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def full() -> CallContext:
    plain = CallContext.within(30, now=NOW, user=new_id()).signed(grant="g", approval="a", receipt="r")
    return plain.model_copy(
        update={"turn": new_id(), "conversation": new_id(), "idempotency_key": new_id(), "zone": "Europe/Berlin"}
    )


def test_a_context_arrives_as_it_was_sent_with_the_subject_of_its_message() -> None:
    sent = full().model_copy(update={"subject": "a lie"})
    arrived = CallContext.from_headers(sent.to_headers(), subject="oa.rpc.vault.key.mail")
    assert arrived == sent.model_copy(update={"subject": "oa.rpc.vault.key.mail"})


def test_what_is_missing_is_not_sent_and_arrives_as_missing() -> None:
    headers = CallContext.within(30, now=NOW).to_headers()
    assert set(headers) == {"Oa-Protocol", "Oa-Deadline", "traceparent"}
    assert CallContext.from_headers(headers, subject="s").grant is None


@pytest.mark.parametrize("protocol", ["0", "2", "", "one", None])
def test_another_protocol_is_refused(protocol: str | None) -> None:
    headers = {**full().to_headers(), "Oa-Protocol": protocol or ""}
    if protocol is None:
        del headers["Oa-Protocol"]
    with pytest.raises(InvalidRequest, match=f"protocol {PROTOCOL}"):
        CallContext.from_headers(headers, subject="s")


@pytest.mark.parametrize("zone", ["Europe/Berlin\r\nOa-User: x", "x" * 65, "../Berlin"])
def test_a_zone_that_is_no_name_is_refused(zone: str) -> None:
    with pytest.raises(InvalidRequest):
        CallContext.from_headers({**full().to_headers(), "Oa-Zone": zone}, subject="s")


@pytest.mark.parametrize("deadline", ["", "soon", "2026-11-23T12:00:00", "12345678901234567890"])
def test_a_deadline_that_is_no_time_is_refused(deadline: str) -> None:
    with pytest.raises(InvalidRequest):
        CallContext.from_headers({**full().to_headers(), "Oa-Deadline": deadline}, subject="s")


def test_a_deadline_in_another_zone_is_the_same_moment() -> None:
    zone = timezone(timedelta(hours=5))
    ctx = full().model_copy(update={"deadline": NOW.astimezone(zone)})
    assert CallContext.from_headers(ctx.to_headers(), subject="s").deadline == NOW


def test_what_remains_shrinks_and_then_is_an_error() -> None:
    ctx = CallContext.within(30, now=NOW)
    assert ctx.remaining(now=NOW + timedelta(seconds=10)) == 20
    for late in (30, 31):
        with pytest.raises(DeadlineExceeded):
            ctx.remaining(now=NOW + timedelta(seconds=late))


def test_a_cap_brings_a_deadline_nearer_and_never_further() -> None:
    ctx = CallContext.within(30, now=NOW)
    assert ctx.capped(2, now=NOW).remaining(now=NOW) == 2
    assert ctx.capped(60, now=NOW).remaining(now=NOW) == 30


def test_a_renewal_keeps_everything_but_the_deadline() -> None:
    ctx = full()
    late = NOW + timedelta(hours=1)
    assert ctx.renewed(60, now=late).remaining(now=late) == 60
    assert ctx.renewed(60, now=late).model_copy(update={"deadline": ctx.deadline}) == ctx


def test_signing_lays_over_and_never_takes_away() -> None:
    ctx = full().signed(grant="other")
    assert (ctx.grant, ctx.approval, ctx.receipt) == ("other", "a", "r")


def test_ids_are_version_7_of_32_digits_and_sort_by_time_of_making() -> None:
    ids = [new_id() for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert {(len(each), each[12], each[16] in "89ab") for each in ids} == {(32, "7", True)}
    assert [each[:12] for each in ids] == sorted(each[:12] for each in ids)


def test_a_traceparent_has_the_form_of_the_recommendation() -> None:
    version, trace, span, flags = new_traceparent().split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
