"""A use of a lent account stands with who lends: by the signed loan alone, and nothing of a turn with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from openassistant.context import new_id, utc_now
from openassistant.errors import Forbidden
from openassistant.grants import Loan, SigningKey
from openassistant.messages import AuditAction, Effect, Record
from tests.services.audit.house import AuditHouse

THIEF = SigningKey.generate()
ADA, ACCOUNT = new_id(), new_id()


def loan(house: AuditHouse, *, by: SigningKey | None = None, **changes: Any) -> str:
    plain: dict[str, Any] = {"id": new_id(), "lender": ADA, "user": house.user, "account": ACCOUNT, "connector": "mail"}
    plain |= {"access": "act", "session": new_id(), "expires": utc_now() + timedelta(days=30)}
    return (by or house.gateway).sign(Loan.model_validate({**plain, **changes}))


def used(house: AuditHouse, **changes: Any) -> Record:
    plain: dict[str, Any] = {"id": new_id(), "action": AuditAction.LOAN_USED, "connector": "mail", "account": ACCOUNT}
    plain |= {"tool": "messages_send", "effect": Effect.SEND, "outcome": house.user, "loan": loan(house)}
    return Record.model_validate({**plain, **changes})


async def test_it_stands_with_who_lends_and_names_who_borrowed(house: AuditHouse) -> None:
    record = used(house, outcome=new_id())
    await house.send("vault", record)
    [row] = await house.audit.ledger.rows("WHERE position = 0", {})
    assert (row["user"], row["account"], row["outcome"]) == (ADA, ACCOUNT, house.user)
    assert (row["turn"], row["conversation"], row["content"], row["call_digest"]) == (None, None, None, None)
    await house.send("vault", record)
    assert (await house.verify()).size == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"by": THIEF},
        {"user": new_id()},
        {"account": new_id()},
        {"connector": "caldav"},
        {"expires": utc_now() - timedelta(seconds=1)},
    ],
)
async def test_no_other_loan_writes_into_anybodys_ledger(house: AuditHouse, changes: dict[str, Any]) -> None:
    with pytest.raises(Forbidden):
        await house.send("vault", used(house, loan=loan(house, **changes)))
    assert (await house.verify()).size == 0


async def test_without_a_loan_or_a_grant_nothing_is_written(house: AuditHouse) -> None:
    for token in (None, house.grant()):
        with pytest.raises(Forbidden):
            await house.send("vault", used(house, loan=token))
    with pytest.raises(Forbidden):
        await house.send("vault", used(house), house.context(house.grant(user=new_id()), user=None))
    assert (await house.verify()).size == 0
