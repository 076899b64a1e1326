"""DNS for rooms that have none: SRV and MX records of domains that an account of theirs names (RFC 6186)."""

from __future__ import annotations

import asyncio

import dns.asyncresolver
import dns.exception

from openassistant.targets import DnsRecord

__all__ = ["look_up"]

_SECONDS = 6.0


async def look_up(name: str, kind: str) -> tuple[DnsRecord, ...]:
    """The records of a name, by this machine's resolver; empty when there are none or nobody answers."""
    try:
        async with asyncio.timeout(_SECONDS * 2):
            answer = await dns.asyncresolver.resolve(name, kind, lifetime=_SECONDS)
    except (dns.exception.DNSException, OSError, TimeoutError):
        return ()
    if kind == "MX":
        return tuple(
            DnsRecord(order=each.preference, host=each.exchange.to_text(omit_final_dot=True), port=0) for each in answer
        )
    return tuple(
        DnsRecord(order=each.priority, host=each.target.to_text(omit_final_dot=True), port=each.port) for each in answer
    )
