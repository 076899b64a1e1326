"""The house file: what an operator lets his house do, and what people are told of who runs it.

Read once, at the start. Without one the house is a household's own: its owners run it, and nothing is narrowed.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints, ValidationError

from openassistant.errors import Forbidden, Internal
from openassistant.messages import Wire
from services.gateway import people_views as views
from services.gateway.limits import Limits

__all__ = ["MINIMUM_AGE", "HouseRules"]

MINIMUM_AGE = 16
"""Years; the General Data Protection Regulation's age of consent where a country sets no lower one (Article 8)."""

_LIMITS = frozenset(Limits.model_fields)
_Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=20_000)]
_Address = Annotated[str, StringConstraints(pattern=r"^https://[^\s]{1,400}$")]
_Names = tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)], ...]


class HouseRules(Wire):
    """The file's keys; an unknown one is refused, for a misspelt limit would be none.

    A list that is absent narrows nothing; an empty one lets nothing be used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Line = ""
    """What the house is called."""
    operator: _Line = ""
    """Who runs it: a person or an organisation."""
    contact: _Line = ""
    """How he is reached."""
    policy: _Text = ""
    """His own policy, as plain text."""
    policy_url: _Address | None = None
    """Where more of it stands."""
    terms: _Text = ""
    """His own terms, as plain text, in place of the plain ones."""
    terms_url: _Address | None = None
    """Where they stand, or more of them."""
    minimum_age: Annotated[int, Field(ge=13, le=99)] = MINIMUM_AGE
    """How old one says to be to join."""
    people: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many people may live here."""
    connectors: _Names | None = None
    """The connectors that may be used, by id."""
    models: _Names | None = None
    """The models that may be used: `provider/model` for litellm, `host/model` for a server's address; * is any text."""
    limits: Limits | None = None
    """What each person may spend on the model at most, whatever owners set."""
    managed: bool = False

    @classmethod
    def read(cls, path: Path | None) -> HouseRules:
        """The rules in a TOML file; raises `Internal` that names what is wrong. A house without one has none."""
        if path is None:
            return cls()
        try:
            found = tomllib.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise Internal(f"OA_HOUSE_FILE: {path.name} cannot be read as TOML.") from error
        wrong = {f"limits.{each}" for each in _keys(found.get("limits"))} - {f"limits.{each}" for each in _LIMITS}
        try:
            made = cls.model_validate({**found, "managed": True})
        except ValidationError as error:
            wrong |= {".".join(map(str, each["loc"])) for each in error.errors()}
            made = cls()
        if wrong:
            raise Internal(f"OA_HOUSE_FILE: {path.name} cannot be used: {', '.join(sorted(wrong))}.")
        return made

    def lets_connector(self, connector: str) -> bool:
        """Whether a connector may be used here."""
        return self.connectors is None or connector in self.connectors

    def lets_model(self, model: str, host: str | None) -> bool:
        """Whether a model may be used here: by the address that it is asked at, where it has one."""
        name = (f"{host}/{model}" if host else model).casefold()
        return self.models is None or any(fnmatchcase(name, each.casefold()) for each in self.models)

    def require_connector(self, connector: str) -> None:
        """Raises `Forbidden` for one that may not be used."""
        if not self.lets_connector(connector):
            raise Forbidden(f"Who runs this house does not allow {connector[:40]}. About this house says what he does.")

    def view(self) -> views.House:
        """What anybody may know."""
        return views.House(**self.model_dump())


def _keys(found: object) -> set[str]:
    return set(found) if isinstance(found, dict) else set()
