"""Trying an account: a step for each thing that was allowed, and what is wrong in words."""

from __future__ import annotations

from tests.connectors.outlook_calendar.conftest import ADA, Desk

CAPABILITIES = ("read", "write", "availability")


def allow(desk: Desk, *names: str) -> None:
    desk.house.account = desk.house.account.model_copy(update={"capabilities": names})


async def test_each_permission_is_tried(desk: Desk) -> None:
    allow(desk, *CAPABILITIES)
    desk.graph.user(ADA).scopes.add("Calendars.Read.Shared")
    report = await desk.house.check()
    assert report.ok
    assert [each.name for each in report.steps] == [
        "Read the calendars", "Change events", "Have meeting times proposed",
    ]  # fmt: skip
    assert desk.box.events == {}


async def test_what_was_not_allowed_is_not_tried(desk: Desk) -> None:
    allow(desk, "read")
    report = await desk.house.check()
    assert [each.name for each in report.steps] == ["Read the calendars"]


async def test_a_missing_permission_is_said(desk: Desk) -> None:
    allow(desk, "read", "write")
    desk.graph.user(ADA).scopes.discard("Calendars.ReadWrite")
    desk.graph.user(ADA).scopes.add("Calendars.Read")
    report = await desk.house.check()
    assert [each.ok for each in report.steps] == [True, False]
    assert "Connect it again" in report.steps[1].detail


async def test_a_refused_token_is_said(desk: Desk) -> None:
    desk.reconnect(token="obviously-fake-and-unknown")
    report = await desk.house.check()
    assert not report.ok
    assert report.problem is not None
    assert report.problem.code == "account_required"
    assert "obviously-fake" not in report.model_dump_json()


async def test_an_account_without_a_mailbox_is_said(desk: Desk) -> None:
    desk.graph.fault("error", "GET /me/calendars", status=404, code="MailboxNotEnabledForRESTAPI", times=3)
    report = await desk.house.check()
    assert report.problem is not None
    assert report.problem.message == "This Microsoft account has no mailbox."


async def test_an_address_that_is_none_is_said(desk: Desk) -> None:
    desk.reconnect(api_url="ftp://graph")
    report = await desk.house.check()
    assert report.problem is not None
    assert "api_url" in report.problem.details["fields"]
