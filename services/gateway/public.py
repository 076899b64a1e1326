"""The frame of the pages that everybody may read: without a sign-in, without scripts, in English or German."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

from services.gateway.house import HouseRules
from services.gateway.public_style import STYLE, STYLE_HASH

__all__ = ["CONTENT_POLICY", "LANGUAGES", "PRODUCT", "Common", "Spoken", "frame", "own_words", "run_by", "spoken"]

PRODUCT = "Open Assistant"
CONTENT_POLICY = (
    f"default-src 'none'; style-src '{STYLE_HASH}'; img-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
_MARK = (
    '<svg width="32" height="32" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"'
    ' fill="#0b6b5d"/><path d="M9 16.5 14 21.5 23.5 10.5" fill="none" stroke="#fff" stroke-width="3.2"'
    ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
)


class Common(NamedTuple):
    """What stands on each of these pages in one language; braces name what is filled in.

    `named` is what the language calls itself; `here` and `owners` stand in for a name that the operator did not give.
    """

    language: str
    named: str
    here: str
    owners: str
    run_by: str
    contact: str
    pages: str
    further: str
    welcome: str
    privacy: str
    terms: str
    about: str
    to_app: str


_ENGLISH = Common(
    language="en",
    named="English",
    here="This house",
    owners="its owners",
    run_by="{house} is run by {operator}.",
    contact="Contact: {contact}",
    pages="Pages",
    further="Further pages",
    welcome="Home",
    privacy="Privacy",
    terms="Terms",
    about="About this house",
    to_app="To the assistant",
)
_GERMAN = Common(
    language="de",
    named="Deutsch",
    here="Dieses Haus",
    owners="seinen Eigentümern",
    run_by="{house} wird von {operator} betrieben.",
    contact="Kontakt: {contact}",
    pages="Seiten",
    further="Weitere Seiten",
    welcome="Start",
    privacy="Datenschutz",
    terms="Bedingungen",
    about="Über dieses Haus",
    to_app="Zum Assistenten",
)
LANGUAGES: Mapping[str, Common] = {each.language: each for each in (_ENGLISH, _GERMAN)}


class Spoken(NamedTuple):
    """The language of a page; `asked`: its address names it, so that the links on it do, too."""

    common: Common
    asked: bool = False

    def link(self, page: str) -> str:
        """The address of another of these pages."""
        return f"{page}?lang={self.common.language}" if self.asked else page


def spoken(asked: str, accepted: str) -> Spoken:
    """The language that is asked for by name, or else the one that a browser likes best."""
    if asked in LANGUAGES:
        return Spoken(LANGUAGES[asked], asked=True)
    return Spoken(LANGUAGES[_preferred(accepted)])


def frame(now: Spoken, rules: HouseRules, *, at: str, title: str, body: str, wide: bool = False) -> str:
    """A whole page at the address `at`; `title` is text, `body` is HTML."""
    common, width = now.common, "wide" if wide else "short"
    welcome, ways = now.link("/welcome"), "".join(_ways(now, at))
    return (
        f'<!doctype html><html lang="{common.language}"><head><meta charset="utf-8">'
        f"<title>{escape(title)} · {escape(rules.name or PRODUCT)}</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<link rel="icon" href="/favicon.svg" type="image/svg+xml"><style>{STYLE}</style></head><body class="{width}">'
        f'<header><a class="brand" href="{welcome}">{_MARK}<span>{PRODUCT}</span></a>'
        f'<nav aria-label="{common.pages}"><ul class="ways">{ways}</ul></nav></header>'
        f"<main>{body}</main>"
        f'<footer><nav aria-label="{common.further}"><ul class="ways"><li><a href="/about">{common.about}</a></li>'
        f'<li><a href="/">{common.to_app}</a></li></ul></nav></footer></body></html>'
    )


def run_by(rules: HouseRules, common: Common) -> str:
    """Who runs the house and how he is reached, as HTML."""
    said = common.run_by.format(house=rules.name or common.here, operator=rules.operator or common.owners)
    contact = common.contact.format(contact=rules.contact) if rules.contact else ""
    return "".join(f"<p>{escape(each)}</p>" for each in (said, contact) if each)


def own_words(heading: str, text: str, address: str | None) -> str:
    """What the operator wrote himself: plain text, whatever he wrote, in whatever language; "" where he wrote none."""
    if not text and not address:
        return ""
    words = f'<p class="words">{escape(text)}</p>' if text else ""
    link = f'<p><a href="{escape(address)}" rel="noreferrer">{escape(address)}</a></p>' if address else ""
    return f"<h2>{escape(heading)}</h2>{words}{link}"


def _ways(now: Spoken, at: str) -> Iterator[str]:
    """The other pages, and this one in the other languages, in their words."""
    common = now.common
    for page, name in (("/welcome", common.welcome), ("/privacy", common.privacy), ("/terms", common.terms)):
        current = ' aria-current="page"' if page == at else ""
        yield f'<li><a href="{now.link(page)}"{current}>{name}</a></li>'
    for code, other in LANGUAGES.items():
        if other is not common:
            yield f'<li><a href="{at}?lang={code}" hreflang="{code}" lang="{code}">{other.named}</a></li>'


def _preferred(accepted: str) -> str:
    """Which of the languages here a browser likes best (RFC 9110, 12.5.4); English where it likes none of them."""
    liked: dict[str, float] = {}
    for each in accepted[:1000].split(","):
        tag, _, weight = each.partition(";")
        language = tag.strip().lower().partition("-")[0]
        liked[language] = max(liked.get(language, 0), _weight(weight))
    best = max(LANGUAGES, key=lambda language: liked.get(language, 0))
    return best if liked.get(best) else _ENGLISH.language


def _weight(written: str) -> float:
    """`q=0.8` as a number: 1 where none is written, 0 where it is none."""
    name, _, number = written.strip().partition("=")
    if not name:
        return 1
    try:
        return float(number) if name.strip().lower() == "q" else 0
    except ValueError:
        return 0
