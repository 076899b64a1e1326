"""Files in the format of age (age-encryption.org/v1, C2SP), read and written at any place, under a passphrase or a key.

pyrage, with which the rest of the house speaks age, holds a whole file in memory under a passphrase, and begins at its
beginning. An archive is larger than that, and a download goes on where it broke off. The format is made for it: after
the header each 64 KiB are sealed by themselves. These are the constructions of the specification, no others, and
tests hold them against pyrage in both directions.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from openassistant.errors import InvalidRequest

__all__ = ["MAGIC", "MOST_HEADER", "Sealed", "by_passphrase", "by_recipient", "opened", "sealed_size"]

MAGIC = b"age-encryption.org/v1\n"
MOST_HEADER = 16 * 1024
"""Bytes of a header; what recipients of one archive need is far less."""

_CHUNK, _TAG, _NONCE = 64 * 1024, 16, 16
_WORK = 18
"""log2 of scrypt's work, as age itself has it: about a second."""
_MOST_WORK = 20
_SCRYPT, _X25519 = b"age-encryption.org/v1/scrypt", b"age-encryption.org/v1/X25519"
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_WRONG = "This does not open the file. Look whether it is the right passphrase or key."
_BROKEN = "This is not a whole age file."
_STANZA = re.compile(rb"-> ([^\n]+)\n((?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)")


class Sealed(NamedTuple):
    """A file's head (header and nonce), and the key under which what follows is sealed."""

    head: bytes
    key: bytes

    def chunk(self, number: int, plain: bytes, *, last: bool) -> bytes:
        """One sealed chunk; every one but the last has 64 KiB."""
        return ChaCha20Poly1305(self.key).encrypt(_nonce(number, last=last), plain, None)

    def read(self, size: int, offset: int, count: int, plain: Callable[[int, int], bytes]) -> bytes:
        """At most `count` bytes from `offset` of the sealed file, whose content of `size` bytes `plain` reads."""
        if offset < len(self.head):
            return self.head[offset : offset + count]
        number, within = divmod(offset - len(self.head), _CHUNK + _TAG)
        begin = number * _CHUNK
        if begin >= max(size, 1):
            return b""
        body = plain(begin, min(_CHUNK, size - begin))
        return self.chunk(number, body, last=begin + _CHUNK >= size)[within : within + count]

    def open(self, total: int, offset: int, sealed: Callable[[int, int], bytes]) -> bytes:
        """The content from `offset` to the end of its chunk; `sealed` reads the file, which has `total` bytes.

        Raises `InvalidRequest` for what was changed.
        """
        number, within = divmod(offset, _CHUNK)
        begin = len(self.head) + number * (_CHUNK + _TAG)
        if begin >= total:
            return b""
        body = sealed(begin, min(_CHUNK + _TAG, total - begin))
        nonce = _nonce(number, last=begin + _CHUNK + _TAG >= total)
        try:
            return ChaCha20Poly1305(self.key).decrypt(nonce, body, None)[within:]
        except InvalidTag as error:
            raise InvalidRequest("The file was changed, or cut off.") from error

    def content_size(self, total: int) -> int:
        """The bytes of the content of a file of `total` bytes; raises `InvalidRequest`."""
        body = total - len(self.head)
        chunks = -(-body // (_CHUNK + _TAG))
        if body < _TAG or body - chunks * _TAG < 0:
            raise InvalidRequest(_BROKEN)
        return body - chunks * _TAG


def sealed_size(sealed: Sealed, size: int) -> int:
    """The bytes of the whole file for a content of `size` bytes."""
    return len(sealed.head) + size + max(1, -(-size // _CHUNK)) * _TAG


def by_passphrase(passphrase: str) -> Sealed:
    """A new file under a passphrase."""
    salt, file_key = secrets.token_bytes(16), secrets.token_bytes(16)
    wrapped = ChaCha20Poly1305(_stretched(passphrase, salt, _WORK)).encrypt(bytes(12), file_key, None)
    return _begun(file_key, b"-> scrypt %s %d\n%s\n" % (_encoded(salt), _WORK, _encoded(wrapped)))


def by_recipient(recipient: str) -> Sealed:
    """A new file for the holder of a key (`age1…`); raises `InvalidRequest` for what is none."""
    try:
        public = X25519PublicKey.from_public_bytes(_key_in(recipient.strip(), "age"))
    except ValueError as error:
        raise InvalidRequest("That is not a public key of age.", details=_field("recipient")) from error
    mine, file_key = X25519PrivateKey.generate(), secrets.token_bytes(16)
    share = mine.public_key().public_bytes_raw()
    key = _derived(mine.exchange(public), salt=share + public.public_bytes_raw(), info=_X25519)
    wrapped = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None)
    return _begun(file_key, b"-> X25519 %s\n%s\n" % (_encoded(share), _encoded(wrapped)))


def opened(start: bytes, *, passphrase: str = "", identity: str = "") -> Sealed:
    """The key of a file by its first bytes (`MOST_HEADER` of them, or all); raises `InvalidRequest`."""
    header = re.match(re.escape(MAGIC) + rb"(?:-> [^\n]+\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n)+---", start)
    tail = re.compile(rb" ([A-Za-z0-9+/]{43})\n").match(start, header.end()) if header else None
    if header is None or tail is None or len(start) < tail.end() + _NONCE:
        raise InvalidRequest(_BROKEN)
    stanzas = [(each[1].split(b" "), _decoded(each[2].replace(b"\n", b""))) for each in _STANZA.finditer(header[0])]
    file_key = _unwrapped(stanzas, passphrase, identity)
    if not hmac.compare_digest(_mac(file_key, header[0]), _decoded(tail[1])):
        raise InvalidRequest("The head of the file was changed.")
    head = start[: tail.end() + _NONCE]
    return Sealed(head, _derived(file_key, salt=head[-_NONCE:], info=b"payload"))


def _unwrapped(stanzas: list[tuple[list[bytes], bytes]], passphrase: str, identity: str) -> bytes:
    for (kind, *arguments), body in stanzas:
        key = None
        if kind == b"scrypt" and passphrase and len(stanzas) == 1 and len(arguments) == 2:
            work = int(arguments[1]) if re.fullmatch(rb"[1-9]\d?", arguments[1]) else 99
            if work > _MOST_WORK:
                raise InvalidRequest("The file asks for more work to open it than this house does.")
            key = _stretched(passphrase, _decoded(arguments[0]), work)
        elif kind == b"X25519" and identity and len(arguments) == 1:
            key = _shared(identity, _decoded(arguments[0]))
        if key and len(body) == 32:
            try:
                return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
            except InvalidTag:
                continue
    raise InvalidRequest(_WRONG, details=_field("passphrase" if not identity else "identity"))


def _shared(identity: str, share: bytes) -> bytes | None:
    try:
        mine = X25519PrivateKey.from_private_bytes(_key_in(identity.strip().lower(), "age-secret-key-"))
        given = mine.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError as error:
        raise InvalidRequest("That is not a secret key of age.", details=_field("identity")) from error
    return _derived(given, salt=share + mine.public_key().public_bytes_raw(), info=_X25519)


def _begun(file_key: bytes, stanza: bytes) -> Sealed:
    header, nonce = MAGIC + stanza + b"---", secrets.token_bytes(_NONCE)
    head = header + b" " + _encoded(_mac(file_key, header)) + b"\n" + nonce
    return Sealed(head, _derived(file_key, salt=nonce, info=b"payload"))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(file_key, salt=b"", info=b"header"), header, "sha256")


def _stretched(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(salt=_SCRYPT + salt, length=32, n=1 << work, r=8, p=1).derive(passphrase.encode())


def _derived(key: bytes, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=salt or None, info=info).derive(key)


def _encoded(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise InvalidRequest(_BROKEN) from error


def _field(name: str) -> dict[str, dict[str, str]]:
    return {"fields": {name: _WRONG}}


# --- Bech32 (BIP 173), in which age writes keys -------------------------------------------------------------------


def _key_in(text: str, prefix: str) -> bytes:
    """The 32 bytes of a key; raises `ValueError`."""
    name, one, data = text.rpartition("1")
    values = [_LETTERS.find(each) for each in data]
    if name != prefix or not one or min(values, default=-1) < 0 or _checked(name, values) != 1:
        raise ValueError("not a key")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    if len(bits) // 8 != 32 or "1" in bits[256:]:
        raise ValueError("not 32 bytes")
    return int(bits[:256], 2).to_bytes(32, "big")


def _checked(name: str, values: list[int]) -> int:
    spread = [ord(each) >> 5 for each in name] + [0] + [ord(each) & 31 for each in name]
    found = 1
    for value in (*spread, *values):
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            found ^= generator if top >> bit & 1 else 0
    return found
