"""Connecting tries each thing that was allowed, and says in words what is wrong."""

from __future__ import annotations

import pytest

from tests.connectors.outlook_mail.conftest import ADA, Desk


async def steps(desk: Desk, *capabilities: str) -> list[tuple[str, bool]]:
    account = desk.house.account.model_copy(update={"capabilities": capabilities or None})
    desk.house.account = account
    desk.house.runner.keys.forget_account(account.account)
    return [(each.name, each.ok) for each in (await desk.house.check()).steps]


async def test_every_capability_is_tried(desk: Desk) -> None:
    assert await steps(desk) == [
        ("Read the mail", True), ("Write drafts, file and mark", True), ("Send mail", True),
        ("Set automatic replies", True),
    ]  # fmt: skip
    assert (desk.box.sent, desk.lying("drafts")) == ([], [])


async def test_only_what_was_allowed_is_tried(desk: Desk) -> None:
    assert await steps(desk, "read", "send") == [("Read the mail", True), ("Send mail", True)]


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("Mail.Send", "Send mail"),
        ("MailboxSettings.ReadWrite", "Set automatic replies"),
        ("Mail.ReadWrite", "Write drafts, file and mark"),
    ],
)
async def test_a_permission_that_is_missing_is_named(desk: Desk, scope: str, name: str) -> None:
    desk.graph.user(ADA).scopes.discard(scope)
    assert [step for step, ok in await steps(desk) if not ok] == [name]
    report = await desk.house.check()
    assert "Connect it again with that permission" in next(each.detail for each in report.steps if not each.ok)


async def test_an_account_without_a_mailbox_is_told(desk: Desk) -> None:
    desk.graph.fault("error", ".*", status=404, code="MailboxNotEnabledForRESTAPI", times=9)
    report = await desk.house.check()
    assert (report.ok, report.steps[0].detail) == (False, "This Microsoft account has no mailbox.")


async def test_a_refused_token_says_to_connect_again(desk: Desk) -> None:
    desk.connect(ADA, token="obviously-fake-and-wrong")
    report = await desk.house.check()
    assert not report.ok
    assert "Connect the account again" in report.steps[0].detail
    assert "obviously-fake" not in report.model_dump_json()


@pytest.mark.parametrize("address", ["ftp://graph.example", "https://", "https://a:b@graph.example", "nonsense"])
async def test_an_address_that_is_none_is_refused(desk: Desk, address: str) -> None:
    desk.connect(ADA, api_url=address)
    assert not (await desk.house.check()).ok
    assert desk.graph.asked == []
