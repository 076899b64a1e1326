"""What in a text tells who somebody is: addresses, numbers, links that carry something, and names that are known.

Found by form and by what was seen in the fields for people; nothing is guessed. A name that stands in free text alone
and nowhere in such a field is not found, nor what is described instead of named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal, NamedTuple

import phonenumbers

from services.agent.folding import Folded, fold, folded

__all__ = [
    "Kind",
    "Span",
    "forms",
    "found",
    "name_pattern",
    "named",
    "parts_of",
    "people_in",
    "place_pattern",
    "region_of",
]

Kind = Literal["person", "email", "phone", "iban", "card", "link", "address"]


class Span(NamedTuple):
    """A part of a text, by its place in the original; `key` is what makes two of them the same."""

    start: int
    end: int
    kind: Kind
    key: str


_LETTER = r"[^\W\d_]"
_EMAIL = re.compile(
    r"[^\s@<>()\[\]{},;:\"'«»„“”⟨⟩‹›|=/]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|[\w.+-]{1,64}\s?[\[(]\s?at\s?[\])]\s?[\w-]{1,63}(?:(?:\.|\s?[\[(]\s?dot\s?[\])]\s?)[\w-]{1,63})+"
)
_URL = re.compile(r"\bhttps?://[^\s<>\"'⟨⟩‹›]{1,2000}")
_TELLING = re.compile(r"[?#@]|/[^/]{24,}|/(?=[^/]*\d)[^/]{16,}")
_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?:[ \u00a0-]?[a-z0-9]){11,30}")
_CARD = re.compile(r"(?<![a-z0-9])\d(?:[ \u00a0-]?\d){12,18}(?![a-z0-9])")
_ABROAD = re.compile(r"(?<![\w+])(?:\+|00(?=[1-9]))\(?\d[\d \u00a0().\-/]{5,22}\d(?!\w)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}:\d\d")
_IBAN_LENGTHS = {
    "ad": 24, "at": 20, "be": 16, "bg": 22, "ch": 21, "cy": 28, "cz": 24, "de": 22, "dk": 18, "ee": 20, "es": 24,
    "fi": 18, "fr": 27, "gb": 22, "gr": 27, "hr": 21, "hu": 28, "ie": 22, "is": 26, "it": 27, "li": 21, "lt": 20,
    "lu": 20, "lv": 21, "mc": 27, "mt": 31, "nl": 18, "no": 15, "pl": 28, "pt": 25, "ro": 24, "rs": 22, "se": 24,
    "si": 19, "sk": 24, "sm": 27, "tr": 26, "ua": 29,
}  # fmt: skip
"""Characters of an IBAN by country (ISO 13616 registry); others are taken as long as they check out."""

_CAP = r"[^\W\d_a-zà-öø-ÿ][\w’'\-]*"
_GERMANIC = (
    r"[^\W\d_][\w.\-]*(?:straße|strasse|str\.|gasse|allee|platz|ufer|damm|straat|gracht|laan|gatan|vägen|gade|vej)"
    r"\s+\d{1,4}\s?[a-h]?\b"
)
_GERMAN = rf"\b{_CAP}\s+(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse|Ring|Ufer|Damm)\s+\d{{1,4}}\s?[a-h]?\b"
_KINDS = "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Square|Boulevard|Blvd|Way|Terrace|Close"
_ENGLISH = rf"\b\d{{1,5}}[A-Ca-c]?\s+(?:{_CAP}\s+){{1,3}}(?:{_KINDS})\b\.?"
_TURNED = rf"\b(?:{_CAP}\s+){{1,3}}(?:Street|Road|Avenue|Lane|Drive|Court|Square|Terrace)\s+\d{{1,5}}[A-Ca-c]?\b"
_FRENCH = (
    r"\b\d{1,4}(?:\s?(?:bis|ter))?,?\s+(?:rue|avenue|boulevard|place|chemin|impasse|quai)\s+(?:\w{1,3}[’']?\s*){0,2}"
    rf"{_CAP}(?:[\s-]+{_CAP}){{0,3}}"
)
_ROMANCE = (
    r"\b(?:[Vv]ia(?:le)?|[Pp]iazza|[Cc]orso|[Cc]alle|[Aa]venida|[Pp]laza|[Pp]aseo|[Rr]ua|[Pp]raça)\s+(?:\w{1,4}\s+){0,2}"
    rf"{_CAP}(?:\s+{_CAP}){{0,3}},?\s+(?:n[º°.]\s?)?\d{{1,4}}[A-Ca-c]?\b"
)
_POLISH = rf"\b(?:ul\.|al\.|pl\.)\s+{_CAP}(?:\s+{_CAP})?\s+\d{{1,4}}\w?(?:/\d+)?\b"
_STREETS = f"{_GERMANIC}|{_GERMAN}|{_ENGLISH}|{_TURNED}|{_FRENCH}|{_ROMANCE}|{_POLISH}"
_STREET = re.compile(rf"(?:{_STREETS})(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:\s[A-Z]{{2}})?\s+{_CAP}(?:\s{_CAP})?)?")

_ENDING = re.compile(r"[^\W\d_]*")
_NAMED = re.compile(r"(?:\"([^\"\r\n]{1,80})\"|([^\"<>@,;:()\r\n\[\]{}⟨⟩‹›|]{1,80}?))\s*<\s*([^<>\s@]+@[^<>\s]+)\s*>")
_STATUS = re.compile(r"\s*\([^()]*\)\s*\Z")
_MORE = re.compile(r" and \d+ more\Z")
_WORD = re.compile(rf"{_LETTER}(?:[\w’'\-]*\w)?")
_NO_NAME = frozenset(
    folded(
        "dr prof mr mrs ms mx herr frau sir madame monsieur signor signora señor señora don doña the of and und et van"
        " von de der den del della di da du des la le los las el al bin ibn via per for für pour team support info"
        " service kontakt contact newsletter noreply no-reply mail office sales hello news bot gmbh ag kg ltd inc llc"
        " plc co sa srl bv organiser organizer accepted declined tentative needs-action"
    ).split()
)
_WORDS_TOO = frozenset(
    folded(
        "will mark may rose grace hope faith joy bill frank jack art dean grant miles young king long small white black"
        " brown green klein gross lang kurz jung alt sommer winter herbst frost stein berg wolf fuchs baum june april"
        " august sun day field hill lake rivers stone wood woods price rich best good love man case page post read"
        " sign weiß schwarz braun grün könig kaiser bauer müller richter schneider blanc petit grand roi paz cruz rey"
    ).split()
)
"""Names that are everyday words as well: in lower case they are taken for these."""
_LONG = {ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ø"): "oe", ord("å"): "aa"}
_FEWEST, _LONG_ENOUGH, _MOST_WORDS, _SHORTEST_NUMBER = 3, 4, 6, 6


def found(
    text: str, names: re.Pattern[str] | None, places: re.Pattern[str] | None = None, *, region: str | None = None
) -> list[Span]:
    """What is found in a text, in its order and without overlaps.

    `names` and `places` are patterns of those that are known. `region` is the country (ISO 3166) whose phone numbers
    are written without a prefix.
    """
    shape = fold(text)
    known = [*(_places(shape, places) if places else ()), *(_names(text, shape, names) if names else ())]
    taken: list[Span] = []
    for span in [*_by_form(text, region), *known]:
        if all(span.end <= each.start or each.end <= span.start for each in taken):
            taken.append(span)
    return sorted(taken)


@lru_cache(maxsize=512)
def _by_form(text: str, region: str | None) -> tuple[Span, ...]:
    """What needs no knowledge of anybody: what a conversation holds is read again with each step."""
    shape = fold(text)
    return (
        *_links(text), *_emails(shape), *_ibans(shape), *_cards(shape), *_phones(text, region), *_streets(text),
    )  # fmt: skip


def people_in(value: str) -> Iterator[str]:
    """The names in a field for people: "Carol Meyer <carol@example.org>, Ben (accepted) and 3 more"."""
    for entry in _MORE.sub("", value).split(","):
        plain = entry.strip()
        while _STATUS.search(plain):
            plain = _STATUS.sub("", plain)
        name = plain.partition("<")[0].strip(" \"'")
        if "@" not in name and parts_of(name):
            yield name


def named(text: str) -> Iterator[str]:
    """The names that stand before an address in angle brackets, anywhere in a text."""
    for match in _NAMED.finditer(text):
        if match[1]:
            yield match[1].strip()
            continue
        words: list[str] = []
        for word in reversed((match[2] or "").split()):
            if len(words) == _MOST_WORDS or word[:1].islower():
                break
            words.insert(0, word)
        if words:
            yield " ".join(words).strip(" '")


def parts_of(name: str) -> list[str]:
    """The words of a name that tell something, without titles and the like; none for what is no name."""
    words = words_of(name)
    inner = (part for each in words for part in re.split(r"[’'\-]", each) if part != each)
    return [*words, *(part for part in inner if len(part) > _FEWEST and folded(part) not in _NO_NAME)]


def words_of(name: str) -> list[str]:
    """As `parts_of`, each word as it stands."""
    words = [each for each in _WORD.findall(name) if folded(each) not in _NO_NAME]
    return words if len(words) <= _MOST_WORDS else []


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Matches any of these names, whole or in parts, in folded text; None for no names.

    A Latin name may carry an ending (`Carols`, `Carol's`, `Novákovi`), which stays outside of the match.
    """
    wholes, parts = list[str](), list[str]()
    for name in names:
        words = [form for each in words_of(name) if (form := folded(each))]
        if len(words) > 1:
            whole = r"[\W_]{1,3}(?:\w\.?[\W_]{1,3})?".join(map(re.escape, words))
            wholes.append(rf"(?<![^\W_]){whole}(?=\w{{0,4}}(?![^\W_]))" if whole.isascii() else whole)
        parts += [form for each in parts_of(name) for form in forms(each) if _tells(form)]
    choices = sorted(set(wholes), key=len, reverse=True) + sorted(
        {_bounded(each) for each in parts}, key=len, reverse=True
    )
    return re.compile("|".join(choices)) if choices else None


def place_pattern(places: Iterable[str]) -> re.Pattern[str] | None:
    """Matches any of these places in folded text, however it is broken into lines; None for no places."""
    choices = {r"[\s,]+".join(map(re.escape, re.split(r"[\s,]+", folded(each)))) for each in places}
    return re.compile("|".join(sorted(choices, key=len, reverse=True))) if choices else None


def forms(word: str) -> list[str]:
    """The folded forms of a name or a part of one: ü is written u or ue, Иванова is Ивановой, too."""
    every = [word, word.casefold().translate(_LONG)]
    every += [word[:-1]] if len(word) > _LONG_ENOUGH and word[-1].casefold() in "ая" else []
    return list(dict.fromkeys(folded(each) for each in every))


def _tells(form: str) -> bool:
    return len(form) >= (_FEWEST if form.isascii() else 2)


def _bounded(form: str) -> str:
    """The pattern of a part: between letters it is another word, save in scripts that join their words."""
    plain = re.escape(form)
    if any("\u0590" <= each <= "\u08ff" or "\u0e00" <= each <= "\u0eff" or each >= "\u2e80" for each in form):
        return plain
    longer = r"\w{0,4}" if len(form) > _LONG_ENOUGH else r"(?:'?s|’s|es|n)?"
    return rf"(?<![^\W_]){plain}(?={longer}(?![^\W_]))"


def _names(text: str, shape: Folded, names: re.Pattern[str]) -> Iterator[Span]:
    for match in names.finditer(shape.text):
        start, end = shape.span(match.start(), match.end())
        if not (text[start:end].islower() and _is_word(match[0], shape.text[match.end() : match.end() + 5])):
            yield Span(start, end, "person", match[0])


def _is_word(form: str, rest: str) -> bool:
    """Whether a name in lower case is rather an everyday word, or the beginning of one (`rest` follows it)."""
    ending = _ENDING.match(rest)
    return form in _WORDS_TOO or bool(form.isascii() and ending and ending[0] not in ("", "s", "es", "n"))


def _places(shape: Folded, places: re.Pattern[str]) -> Iterator[Span]:
    for match in places.finditer(shape.text):
        yield Span(*shape.span(match.start(), match.end()), "address", " ".join(match[0].split()))


def _links(text: str) -> Iterator[Span]:
    for match in _URL.finditer(text):
        url = match[0].rstrip(".,;:!?)]}")
        if _TELLING.search(url.partition("://")[2]):
            yield Span(match.start(), match.start() + len(url), "link", url)


def _emails(shape: Folded) -> Iterator[Span]:
    for match in _EMAIL.finditer(shape.text):
        yield Span(*shape.span(match.start(), match.end()), "email", re.sub(r"\s", "", match[0]))


def _ibans(shape: Folded) -> Iterator[Span]:
    for match in _IBAN.finditer(shape.text):
        if end := _end_of_iban(match[0]):
            key = re.sub(r"[^a-z0-9]", "", match[0][:end])
            yield Span(*shape.span(match.start(), match.start() + end), "iban", key)


def _end_of_iban(candidate: str) -> int | None:
    """Where an IBAN in the beginning of a candidate ends (ISO 7064, MOD 97-10)."""
    compact = ""
    longest = None
    for place, letter in enumerate(candidate, start=1):
        compact += letter if letter.isalnum() else ""
        wanted = _IBAN_LENGTHS.get(compact[:2])
        long_enough = len(compact) == wanted if wanted else len(compact) >= 15
        if long_enough and letter.isalnum() and _checks_out(compact):
            longest = place
    return longest


def _checks_out(iban: str) -> bool:
    digits = "".join(str(int(each, 36)) for each in iban[4:] + iban[:4])
    return int(digits) % 97 == 1


def _cards(shape: Folded) -> Iterator[Span]:
    for match in _CARD.finditer(shape.text):
        digits = re.sub(r"\D", "", match[0])
        if digits.isascii() and _luhn(digits):
            yield Span(*shape.span(match.start(), match.end()), "card", digits)


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0 and len(set(digits)) > 1


def _phones(text: str, region: str | None) -> Iterator[Span]:
    for match in _ABROAD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if 7 <= len(digits) <= 17 and not _DATE.search(match[0]):
            yield Span(match.start(), match.end(), "phone", digits.removeprefix("00"))
    if region is None or not re.search(r"\d{3}", text):
        return
    for number in phonenumbers.PhoneNumberMatcher(text, region):
        if not _DATE.search(number.raw_string) and len(re.sub(r"\D", "", number.raw_string)) >= _SHORTEST_NUMBER:
            key = phonenumbers.format_number(number.number, phonenumbers.PhoneNumberFormat.E164)
            yield Span(number.start, number.end, "phone", key.removeprefix("+"))


def _streets(text: str) -> Iterator[Span]:
    for match in _STREET.finditer(text):
        yield Span(match.start(), match.end(), "address", folded(match[0]))


def region_of(zone: str) -> str | None:
    """The country of an IANA time zone, where it is in one."""
    return _regions().get(zone)


@cache
def _regions() -> Mapping[str, str]:
    """Countries by zone, out of the zone.tab of the time zone database."""
    lines = files("tzdata.zoneinfo").joinpath("zone.tab").read_text().splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
