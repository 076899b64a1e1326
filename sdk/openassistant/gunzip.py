"""Unpacking that a stranger cannot blow up."""

from __future__ import annotations

import zlib

import httpx

__all__ = ["Gunzip"]


class Gunzip:
    """gzip (RFC 1952), member after member, never more than asked for: a bomb stays packed."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False

    @property
    def ended(self) -> bool:
        """Whether nothing is missing; an empty body is no member at all."""
        return self._member.eof or not self._begun

    def feed(self, packed: bytes, most: int) -> bytes:
        """What `packed` holds, at most `most` bytes of it; raises `httpx.DecodingError`."""
        out = bytearray()
        self._begun = self._begun or bool(packed)
        try:
            while packed and len(out) < most:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=31)
                out += self._member.decompress(packed, most - len(out))
                packed = self._member.unused_data
        except zlib.error as error:
            raise httpx.DecodingError("the packed body is damaged") from error
        return bytes(out)
