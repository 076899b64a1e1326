"""What a provider pushes reaches its connector byte for byte, and only under the grant of that account."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from openassistant import subjects
from openassistant.connector import CheckStep, Connector, Context
from openassistant.context import CallContext, new_id
from openassistant.contract import connector_faults
from openassistant.errors import Forbidden, InvalidRequest
from openassistant.hooks import REFUSED, Hook, HookAnswer, hmac_fits, is_fresh
from openassistant.testing import FakeHouse

SECRET = "not-a-real-app-secret"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
MANIFEST = """
id = "bell"
name = "Bell"
version = "0.1.0"
[auth]
kind = "password"
[hook]
headers = ["x-signature"]
[secrets.key]
type = "string"
title = "Key"
"""


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
def heard() -> list[Hook]:
    return []


@pytest.fixture
def bell(tmp_path: Path, heard: list[Hook]) -> Connector:
    (tmp_path / "manifest.toml").write_text(MANIFEST)
    connector = Connector(tmp_path / "tools.py")

    @connector.hook
    async def hook(ctx: Context, hook: Hook) -> HookAnswer:
        secret = (await ctx.credentials()).secrets["key"]
        if not hmac_fits(secret, hook.body, hook.headers.get("x-signature", ""), prefix="sha256="):
            return REFUSED
        heard.append(hook)
        return HookAnswer()

    @connector.check
    async def check(ctx: Context) -> AsyncIterator[CheckStep]:
        yield CheckStep(name="Nothing", ok=True)

    return connector


@pytest.fixture
async def house(bell: Connector, tmp_path: Path) -> AsyncIterator[FakeHouse]:
    async with FakeHouse(bell, folder=tmp_path / "data") as house:
        house.connect("Door", {}, key=SECRET)
        yield house


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", "\U0001f98a".encode(), b"{" * 1_000_000])
async def test_what_is_signed_arrives_as_it_was_sent(house: FakeHouse, heard: list[Hook], body: bytes) -> None:
    answer = await house.knock(body, headers={"x-signature": signed(body)}, query={"a": "1"})
    assert answer.status == 200
    assert [(each.body, each.query) for each in heard] == [(body, {"a": "1"})]


@pytest.mark.parametrize(
    "header", ["", "sha256=", signed(b"{} "), signed(b"{}", "another secret"), signed(b"{}").upper(), "sha256=é"]
)
async def test_what_is_not_signed_is_refused(house: FakeHouse, heard: list[Hook], header: str) -> None:
    assert (await house.knock(b"{}", headers={"x-signature": header})).status == 403
    assert heard == []


async def test_no_other_grant_opens_an_account(house: FakeHouse, heard: list[Hook]) -> None:
    body = b"{}"
    hook = Hook(
        account=house.account.account, method="POST", query={}, headers={"x-signature": signed(body)}, body=body
    )
    others = [house.grant(), house.grant(kind="account", account=new_id(), turn=None, conversation=None)]
    for grant in others:
        ctx = CallContext.within(5, now=house.clock(), user=house.user).signed(grant=grant)
        with pytest.raises(Forbidden):
            await house.agent.request(subjects.hook("bell"), hook, HookAnswer, ctx)
    assert heard == []


def test_a_connector_that_promises_an_address_takes_what_comes_by_it(bell: Connector) -> None:
    assert not any("@connector.hook" in fault for fault in connector_faults(bell))
    bell.hooker = None
    assert any("@connector.hook" in fault for fault in connector_faults(bell))


def test_a_connector_without_an_address_has_nothing_to_take(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text('id = "mute"\nname = "Mute"\nversion = "0.1.0"\n')
    connector = Connector(tmp_path / "tools.py")

    async def hook(ctx: Context, hook: Hook) -> HookAnswer:
        return HookAnswer()

    with pytest.raises(InvalidRequest, match="hook"):
        connector.hook(hook)


def test_an_empty_secret_fits_nothing() -> None:
    assert not hmac_fits("", b"{}", signed(b"{}", ""), prefix="sha256=")


@pytest.mark.parametrize(
    ("age", "fresh"), [(timedelta(), True), (timedelta(days=7), True), (timedelta(days=9), False),
                       (timedelta(minutes=-4), True), (timedelta(minutes=-6), False)],
)  # fmt: skip
def test_a_signed_time_counts_within_its_window(age: timedelta, fresh: bool) -> None:
    assert is_fresh(NOW - age, NOW, within=timedelta(days=8)) is fresh
