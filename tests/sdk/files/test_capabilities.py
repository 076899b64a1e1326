"""An account is tried for all that its owner allowed, and nothing else; what is refused hides nothing."""

from __future__ import annotations

import pytest

from openassistant.errors import AccountRequired, Forbidden, OaError, Unavailable
from tests.sdk.files.box.tools import REFUSED, TRIED
from tests.sdk.files.conftest import Box


async def test_all_that_was_allowed_is_tried(box: Box) -> None:
    report = await box.house.check()
    assert report.ok
    assert [(step.name, step.ok) for step in report.steps] == [("Read files", True), ("Change files", True)]


async def test_what_was_not_allowed_is_not_tried(box: Box) -> None:
    box.house.account = box.house.account.model_copy(update={"capabilities": ("write",)})
    report = await box.house.check()
    assert [step.name for step in report.steps] == ["Change files"]
    assert TRIED == ["write"]


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Forbidden("Connect it again.", details={"reason": "scope_missing"}), AccountRequired),
        (Forbidden("The administrator does not allow it."), Forbidden),
        (Unavailable("It is away."), Unavailable),
    ],
)
async def test_one_thing_that_is_refused_does_not_hide_the_others(
    box: Box, refusal: OaError, kind: type[OaError]
) -> None:
    REFUSED["read"] = refusal
    report = await box.house.check()
    assert [(step.ok, step.detail) for step in report.steps] == [(False, refusal.message), (True, "")]
    assert report.problem is not None
    assert report.problem.code == kind.code
    assert report.problem.message == refusal.message
