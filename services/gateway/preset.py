"""The model that the house is given by its settings, until its owner chooses another one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from pydantic import ValidationError

from openassistant.errors import Internal
from openassistant.messages import Wire, canonical
from services.gateway import views

__all__ = ["Mark", "Preset"]


class Mark(Wire):
    """Which preset was applied last, told by a salted digest: the key in it is not kept."""

    salt: str
    digest: str

    @classmethod
    def of(cls, draft: views.ModelDraft) -> Mark:
        """The mark of a preset, under a salt of its own."""
        salt = secrets.token_hex(16)
        return cls(salt=salt, digest=_digest(salt, draft))

    def fits(self, draft: views.ModelDraft) -> bool:
        """Whether this very preset was applied."""
        return hmac.compare_digest(self.digest, _digest(self.salt, draft))


class Preset(Wire):
    """OA_MODEL, OA_MODEL_BASE_URL and OA_MODEL_API_KEY_FILE."""

    model: str
    base_url: str | None = None
    key_file: Path | None = None

    def draft(self) -> views.ModelDraft:
        """The choice that it stands for; raises `Internal` that names the setting. Reads the key's file.

        With an address the model's name is that server's own (an `openai/` before it is left out), else litellm's.
        """
        try:
            return views.ModelDraft(
                kind="openai" if self.base_url else "litellm",
                model=self.model.removeprefix("openai/") if self.base_url else self.model,
                base_url=self.base_url,
                api_key=_read(self.key_file),
            )
        except ValidationError as error:
            named = {"api_key": "_API_KEY_FILE", "base_url": "_BASE_URL"}.get(str(error.errors()[0]["loc"][0]), "")
            # The cause quotes what it was given, and that may be the key.
            raise Internal(f"OA_MODEL{named} is empty or too long.") from None


def _read(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        key = path.read_text().strip()
    except (OSError, ValueError) as error:
        raise Internal(f"OA_MODEL_API_KEY_FILE: {path.name} cannot be read.") from error
    if not key:
        raise Internal(f"OA_MODEL_API_KEY_FILE: {path.name} is empty.")
    return key


def _digest(salt: str, draft: views.ModelDraft) -> str:
    return hmac.new(bytes.fromhex(salt), canonical(draft.model_dump(mode="json")), hashlib.sha256).hexdigest()
