"""What this very house does at the moment, read from its real settings, for everybody who may want to know.

It names no address inside the house's network, and nobody who lives here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from openassistant.context import Clock
from openassistant.messages import ModelRef
from openassistant.origins import is_near
from services.gateway.connectors import Connectors
from services.gateway.endpoints import host_of
from services.gateway.house import HouseRules
from services.gateway.models import Models
from services.gateway.openid import OpenId
from services.gateway.public import Common

__all__ = ["Answerer", "Facts", "Installation", "told"]

HELD = timedelta(seconds=10)
"""So long the facts are not read anew: strangers who load a page often must not have names looked up as often."""


class Answerer(NamedTuple):
    """A model and where it is. `at` is a host or a provider outside of the house, and "" for all others.

    `here`: what it reads stays on the house's own machines. `passed_on`: it is asked in the house's network, and does
    not count as local.
    """

    name: str
    place: Literal["here", "passed_on", "outside"]
    at: str = ""


class Facts(NamedTuple):
    """`question_hours`: how long a question to somebody stays open. `providers` are names of where one signs in."""

    services: tuple[str, ...]
    narrowed: bool
    models: tuple[Answerer, ...]
    question_hours: float
    minimum_age: int
    copied: bool
    providers: tuple[str, ...]


class Installation:
    """The facts, from the parts that know them. `copied`: copies of the house are made."""

    def __init__(
        self, connectors: Connectors, models: Models, openid: OpenId, *, rules: HouseRules, question_hours: float,
        copied: bool, clock: Clock,
    ) -> None:  # fmt: skip
        self._connectors, self._models, self._openid, self._rules = connectors, models, openid, rules
        self._question_hours, self._copied, self._clock = question_hours, copied, clock
        self._lock = asyncio.Lock()
        self._read: tuple[datetime, Facts] | None = None

    async def facts(self) -> Facts:
        """As they are, or were some seconds ago."""
        async with self._lock:
            now = self._clock()
            if self._read is None or now - self._read[0] >= HELD:
                self._read = now, await self._look()
            return self._read[1]

    async def _look(self) -> Facts:
        models = [await _answerer(each) for each in await self._models.both()]
        return Facts(
            services=tuple(sorted(card.name for card in self._connectors.running())),
            narrowed=self._rules.connectors is not None,
            models=tuple(dict.fromkeys(models)),
            question_hours=self._question_hours,
            minimum_age=self._rules.minimum_age,
            copied=self._copied,
            providers=tuple(each.label for each in await self._openid.ways()),
        )


async def _answerer(model: ModelRef) -> Answerer:
    if model.base_url is None:
        provider, _, name = model.model.partition("/")
        return Answerer(name, "outside", provider)
    if model.local or await is_near(model.base_url):
        # A server may name a model by its path, which is nobody's business.
        return Answerer(model.model.rpartition("/")[2], "here" if model.local else "passed_on")
    return Answerer(model.model, "outside", host_of(model.base_url))


class _Words(NamedTuple):
    """The sentences in one language; braces name what is filled in."""

    services: str
    services_are: str
    services_none: str
    all_others: str
    no_others: str
    models: str
    models_none: str
    places: Mapping[str, str]
    for_all: str
    kept: str
    kept_is: str
    decimal: str
    age: str
    age_is: str
    copies: str
    copies_made: str
    copies_none: str
    sign_in: str
    sign_in_is: str
    sign_in_at: str
    sign_in_only: str


_ENGLISH = _Words(
    services="Services",
    services_are="{names}. Everybody who lives here may connect accounts there, and nobody has to.",
    services_none="None runs at the moment.",
    all_others="The owners may allow further ones.",
    no_others="Who runs this house allows none but those that he listed.",
    models="Who answers",
    models_none="No model is chosen, so nobody answers.",
    places={
        "here": "{name}, on machines of this house or of its own network.",
        "passed_on": (
            "{name}, asked in this house's network, and not counted as local: what it reads may go on from there."
        ),
        "outside": "{name}, outside of this house, at {at}.",
    },
    for_all="It is the same for everybody here.",
    kept="How long",
    kept_is=(
        "Where you chose nothing else, what you make here and the copies of what your accounts hold stay until you "
        "delete them. A question to you ends by itself after {hours} h."
    ),
    decimal=".",
    age="Age",
    age_is="{age} or older, which everybody says on joining. Nobody younger is let in.",
    copies="Copies",
    copies_made="Copies of the whole house are made, encrypted. What is erased stays in older ones until they go.",
    copies_none="The house makes no copies of itself.",
    sign_in="Sign-in",
    sign_in_is="With a password; whoever wants adds codes of an app, and passkeys.",
    sign_in_at="Also at {names}.",
    sign_in_only="There is no other way.",
)
_GERMAN = _Words(
    services="Dienste",
    services_are="{names}. Wer hier lebt, darf dort Konten verbinden und muss es nicht.",
    services_none="Im Moment läuft keiner.",
    all_others="Die Eigentümer können weitere erlauben.",
    no_others="Wer dieses Haus betreibt, erlaubt nur die, die in der Datei des Hauses stehen.",
    models="Wer antwortet",
    models_none="Es ist kein Modell gewählt, also antwortet niemand.",
    places={
        "here": "{name}, auf Rechnern dieses Hauses oder seines eigenen Netzes.",
        "passed_on": (
            "{name}, im Netz dieses Hauses gefragt, gilt aber nicht als lokal: Was es liest, kann von dort weitergehen."
        ),
        "outside": "{name}, außerhalb dieses Hauses, bei {at}.",
    },
    for_all="Das ist für alle hier dasselbe.",
    kept="Wie lange",
    kept_is=(
        "Wo du nichts anderes gewählt hast, bleiben das, was hier von dir entsteht, und die Kopien von dem, was deine "
        "Konten enthalten, bis du es löschst. Eine Frage an dich endet von selbst nach {hours} h."
    ),
    decimal=",",
    age="Alter",
    age_is="Ab {age}, was beim Einzug alle selbst sagen. Wer jünger ist, wird nicht hereingelassen.",
    copies="Kopien",
    copies_made=(
        "Vom ganzen Haus werden Kopien gemacht, verschlüsselt. Was gelöscht wird, bleibt in älteren, bis diese gehen."
    ),
    copies_none="Das Haus macht keine Kopien von sich.",
    sign_in="Anmeldung",
    sign_in_is="Mit einem Passwort; wer will, nimmt Codes einer App und Passkeys dazu.",
    sign_in_at="Auch bei {names}.",
    sign_in_only="Einen anderen Weg gibt es nicht.",
)
_IN: Mapping[str, _Words] = {"en": _ENGLISH, "de": _GERMAN}


def told(facts: Facts, common: Common) -> list[tuple[str, str]]:
    """The facts as plain sentences, each under a word that says what it is about."""
    words = _IN[common.language]
    hours = f"{facts.question_hours:g}".replace(".", words.decimal)
    return [
        (words.services, f"{_services(facts, words)} {words.no_others if facts.narrowed else words.all_others}"),
        (words.models, _models(facts, words)),
        (words.kept, words.kept_is.format(hours=hours)),
        (words.age, words.age_is.format(age=facts.minimum_age)),
        (words.copies, words.copies_made if facts.copied else words.copies_none),
        (words.sign_in, f"{words.sign_in_is} {_providers(facts, words)}"),
    ]


def _services(facts: Facts, words: _Words) -> str:
    return words.services_are.format(names=", ".join(facts.services)) if facts.services else words.services_none


def _models(facts: Facts, words: _Words) -> str:
    if not facts.models:
        return words.models_none
    named = [words.places[each.place].format(name=each.name, at=each.at) for each in facts.models]
    return " ".join([*named, words.for_all])


def _providers(facts: Facts, words: _Words) -> str:
    names = ", ".join(facts.providers)
    return words.sign_in_at.format(names=names) if names else words.sign_in_only
