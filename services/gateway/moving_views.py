"""The shapes of archives, made and taken in, in the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from openassistant.messages import Id
from services.gateway.views import Password, View

__all__ = ["Export", "ExportDraft", "Import", "ImportDraft", "ImportKeys", "MovedRoom"]

_Phrase = Annotated[str, StringConstraints(min_length=8, max_length=1024)]
_Key = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class MovedRoom(View):
    """How far a room is: `waiting` until it has given or taken all, then `done`.

    `away` did not answer, `failed` said no; `detail` says why, in words.
    """

    room: str
    state: Literal["waiting", "done", "away", "failed"]
    files: int
    bytes: int
    detail: str


class ExportDraft(View):
    """Leave to make an archive of whoever asks, encrypted with age where a passphrase or a public key is given."""

    password: Password
    passphrase: _Phrase | None = None
    recipient: _Key | None = None


class Export(View):
    """An archive that is made, or waits to be fetched until `expires_at`.

    `size` is that of the download, once known.
    """

    id: Id
    state: Literal["working", "ready", "failed"]
    created_at: datetime
    expires_at: datetime
    rooms: list[MovedRoom]
    size: int | None
    encrypted: bool
    fetched: bool


class ImportDraft(View):
    """An archive that is about to be sent, of so many bytes."""

    size: Annotated[int, Field(ge=1)]


class ImportKeys(View):
    """What opens an archive that is encrypted with age: its passphrase, or the secret key that it was made for."""

    passphrase: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    identity: _Key | None = None


class Import(View):
    """An archive that comes in. `received` bytes of `size` are here; `kind` is what it was found to be.

    `detail` says why it was refused; `left_out` what of it was not taken, a sentence each.
    """

    id: Id
    state: Literal["arriving", "checking", "working", "done", "refused"]
    kind: Literal["", "archive", "chatgpt", "claude", "openwebui"]
    size: int
    received: int
    encrypted: bool
    rooms: list[MovedRoom]
    detail: str
    left_out: list[str]
