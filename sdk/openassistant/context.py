"""What travels beside every call: who, for which turn, until when, and with which signatures."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from openassistant.errors import DeadlineExceeded, InvalidRequest

__all__ = ["PROTOCOL", "CallContext", "Clock", "new_id", "new_traceparent", "utc_now"]

PROTOCOL = 1
"""Unknown fields are ignored inside a protocol number and refused across."""

Clock = Callable[[], datetime]

_PLAIN = {
    "user": "Oa-User",
    "turn": "Oa-Turn",
    "conversation": "Oa-Conversation",
    "idempotency_key": "Oa-Idempotency-Key",
    "zone": "Oa-Zone",
    "traceparent": "traceparent",
    "grant": "Oa-Grant",
    "approval": "Oa-Approval",
    "receipt": "Oa-Receipt",
}


def utc_now() -> datetime:
    """The clock that `__main__` hands out; tests hand out their own."""
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7) as 32 hex digits: sorts by time of making."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"


def new_traceparent() -> str:
    """A fresh W3C trace context header."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


class CallContext(BaseModel):
    """Identity, deadline and signatures of one call; `subject` is set by the bus on the receiving side.

    `zone` is the IANA name of the time zone that the owner's words are meant in, where his turn knows it.
    """

    model_config = ConfigDict(frozen=True)

    deadline: AwareDatetime
    user: str | None = None
    turn: str | None = None
    conversation: str | None = None
    idempotency_key: str | None = None
    zone: str | None = Field(default=None, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")
    traceparent: str = ""
    grant: str | None = None
    approval: str | None = None
    receipt: str | None = None
    subject: str = ""

    @classmethod
    def within(cls, seconds: float, *, now: datetime | None = None, user: str | None = None) -> CallContext:
        """A new context whose deadline lies `seconds` ahead."""
        start = now or utc_now()
        return cls(deadline=start + timedelta(seconds=seconds), traceparent=new_traceparent(), user=user)

    def capped(self, seconds: float, *, now: datetime | None = None) -> CallContext:
        """The same context with a deadline at most `seconds` ahead."""
        latest = (now or utc_now()) + timedelta(seconds=seconds)
        return self.model_copy(update={"deadline": min(self.deadline, latest)})

    def renewed(self, seconds: float, *, now: datetime | None = None) -> CallContext:
        """The same context with a new deadline `seconds` ahead, for work that outlives the request."""
        return self.model_copy(update={"deadline": (now or utc_now()) + timedelta(seconds=seconds)})

    def signed(
        self, *, grant: str | None = None, approval: str | None = None, receipt: str | None = None
    ) -> CallContext:
        """The same context with the signatures given here laid over those it has."""
        given = {"grant": grant, "approval": approval, "receipt": receipt}
        return self.model_copy(update={name: token for name, token in given.items() if token is not None})

    def remaining(self, *, now: datetime | None = None) -> float:
        """Seconds until the deadline; raises `DeadlineExceeded` when it has passed."""
        seconds = (self.deadline - (now or utc_now())).total_seconds()
        if seconds <= 0:
            raise DeadlineExceeded("The time for this call is over.")
        return seconds

    def to_headers(self) -> dict[str, str]:
        """The context as bus headers; `subject` stays behind."""
        headers = {"Oa-Protocol": str(PROTOCOL), "Oa-Deadline": self.deadline.astimezone(UTC).isoformat()}
        for field, header in _PLAIN.items():
            if value := getattr(self, field):
                headers[header] = value
        return headers

    @classmethod
    def from_headers(cls, headers: Mapping[str, str], *, subject: str) -> CallContext:
        """The context that a message carries; raises `InvalidRequest` when it is not one of this protocol."""
        protocol = headers.get("Oa-Protocol", "none")
        if protocol != str(PROTOCOL):
            raise InvalidRequest(f"This room speaks protocol {PROTOCOL}; the call came with {protocol[:20]}.")
        given = {field: headers.get(header) for field, header in _PLAIN.items() if headers.get(header)}
        try:
            return cls.model_validate({**given, "deadline": headers.get("Oa-Deadline"), "subject": subject})
        except ValidationError as error:
            raise InvalidRequest("The headers of the call are not valid.") from error
