"""Passwords: a stranger's name takes as long as a member's, and opens nothing."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from services.gateway.passwords import Passwords

QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.mark.parametrize("hasher", [None, QUICK], ids=["as they are", "quick"])
async def test_who_has_no_password_is_checked_at_the_same_cost(hasher: PasswordHasher | None) -> None:
    passwords = Passwords(hasher)
    assert extract_parameters(passwords._nobody) == extract_parameters(await passwords.hash("a password of somebody"))
    with pytest.raises(VerifyMismatchError):  # worked out to its end, and another
        passwords._hasher.verify(passwords._nobody, "a password of somebody")
    assert not await passwords.fits(None, "a password of somebody")


async def test_no_two_houses_have_the_same_nobody() -> None:
    assert Passwords(QUICK)._nobody != Passwords(QUICK)._nobody
