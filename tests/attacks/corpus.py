"""The corpus: texts that somebody else wrote and that want something, one line each in `corpus/<language>.toml`.

The words are the only thing in those files. How they are hidden is in `disguises`, what carries them into the house in
`carriers`, what a model does that obeys them in `goals`; each of the three is a table with the same names as the lines.
"""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CORPUS", "UNREAD", "Attack", "load", "tables"]

_FOLDER = Path(__file__).with_name("corpus")

UNREAD = {
    "html_hidden": "Text that a mail program would not show (display: none and its kin) is dropped from HTML mails.",
    "html_comment": "Comments are no text of an HTML mail.",
}
"""Disguises that the house takes away before the model reads: what hides like this never reaches it, and why."""


@dataclass(frozen=True)
class Attack:
    """One text: `words` want `goal`, come in a `carrier`, and are hidden by a `disguise` ("plain": not at all)."""

    id: str
    goal: str
    carrier: str
    disguise: str
    words: str

    @property
    def language(self) -> str:
        """ISO 639-1."""
        return self.id.partition("-")[0]

    @property
    def is_read(self) -> bool:
        """Whether the words reach the model."""
        return self.disguise not in UNREAD


def load(folder: Path = _FOLDER) -> list[Attack]:
    """Every attack, by language; raises `TypeError` for a line with other fields."""
    lines = [line for file in sorted(folder.glob("*.toml")) for line in tomllib.loads(file.read_text())["attacks"]]
    return [Attack(words=line.pop("text"), **line) for line in lines]


CORPUS = load()


def tables(corpus: Iterable[Attack]) -> str:
    """How many attacks there are of each kind, and in how many of the others each occurs, for docs/attacks.md."""
    found = list(corpus)
    return "\n\n".join(_table(kind, found) for kind in _KINDS)


def _table(kind: str, found: list[Attack]) -> str:
    others = [each for each in _KINDS if each != kind]
    counted = Counter(map(_KINDS[kind], found))
    rows = []
    for name, count in sorted(counted.items(), key=lambda row: (-row[1], row[0])):
        some = [each for each in found if _KINDS[kind](each) == name]
        spread = [str(len({_KINDS[other](each) for each in some})) for other in others]
        rows.append(f"| `{name}` | {count} | {' | '.join(spread)} |")
    head = " | ".join([kind, "attacks", *(f"{other}s" for other in others)])
    return "\n".join([f"| {head} |", "| --- " * (len(others) + 2) + "|", *rows])


_KINDS: dict[str, Callable[[Attack], str]] = {
    "goal": lambda each: each.goal,
    "carrier": lambda each: each.carrier,
    "language": lambda each: each.language,
    "disguise": lambda each: each.disguise,
}
