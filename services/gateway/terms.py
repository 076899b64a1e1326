"""The terms: the operator's own where he wrote any, and else the plain ones of a house that its owners run."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from services.gateway.house import HouseRules
from services.gateway.public import Spoken, frame, own_words, run_by

__all__ = ["TERMS", "Terms", "page"]


class Terms(NamedTuple):
    """In one language; `parts` are headings with the sentences below each, `{age}` is the house's."""

    title: str
    own: str
    parts: Mapping[str, tuple[str, ...]]


_ENGLISH = Terms(
    title="Terms of this house",
    own="Their terms",
    parts={
        "Who lives here": (
            "You are {age} or older and say so when you join; the owners let you in, and nobody younger.",
            "They can shut you out, or remove you after two weeks in which you are told of it.",
            "At any time you can take along all that is yours, and have it erased, under Your data.",
        ),
        "What the assistant does": (
            "It answers you, reads the accounts that you connect, and acts in them as you allow for each.",
            "By itself it reads, and changes what is yours and can be changed back.",
            (
                "What reaches somebody else waits for your yes, or for a rule that you gave beforehand; what cannot be"
                " undone waits for your yes each time."
            ),
            "Its answers are written by a language model and can be wrong: check what matters to you.",
        ),
        "Who answers for what": (
            (
                "Who runs this house decides who lives in it, which model answers and which services can be connected, "
                "and answers for how it is run."
            ),
            "You answer for what you connect, for what you approve, and for keeping your ways to sign in to yourself.",
            "Use it for nothing that harms others or that the law forbids.",
            "Models and services of others have terms of their own.",
        ),
        "The program": (
            (
                "It is Open Assistant, free software under the Apache License 2.0, and comes without warranty, as that"
                " licence says."
            ),
            "Nothing here takes away what the law gives you.",
        ),
    },
)
_GERMAN = Terms(
    title="Bedingungen dieses Hauses",
    own="Die eigenen Bedingungen dieses Hauses",
    parts={
        "Wer hier lebt": (
            (
                "Du bist {age} oder älter und sagst das beim Einzug; die Eigentümer lassen dich herein, und niemanden, "
                "der jünger ist."
            ),
            "Sie können dich aussperren, oder dich entfernen, nachdem du es zwei Wochen vorher erfahren hast.",
            "Du kannst jederzeit alles mitnehmen, was dir gehört, und es löschen lassen, unter „Deine Daten“.",
        ),
        "Was der Assistent tut": (
            "Er antwortet dir, liest die Konten, die du verbindest, und handelt darin, wie du es für jedes erlaubst.",
            "Von selbst liest er, und ändert, was dir gehört und sich zurückändern lässt.",
            (
                "Was andere erreicht, wartet auf dein Ja oder auf eine Regel, die du vorher gegeben hast; was sich "
                "nicht zurücknehmen lässt, wartet jedes Mal auf dein Ja."
            ),
            "Seine Antworten schreibt ein Sprachmodell, und sie können falsch sein: Prüfe, was dir wichtig ist.",
        ),
        "Wer wofür einsteht": (
            (
                "Wer dieses Haus betreibt, entscheidet, wer darin lebt, welches Modell antwortet und welche Dienste "
                "sich verbinden lassen, und steht dafür ein, wie es geführt wird."
            ),
            "Du stehst dafür ein, was du verbindest und erlaubst, und dass deine Wege zur Anmeldung bei dir bleiben.",
            "Nutze es für nichts, was anderen schadet oder was das Gesetz verbietet.",
            "Modelle und Dienste anderer haben eigene Bedingungen.",
        ),
        "Das Programm": (
            (
                "Es ist Open Assistant, freie Software unter der Apache License 2.0, und kommt ohne Gewährleistung, wie"
                " diese Lizenz es sagt."
            ),
            "Nichts davon nimmt dir, was das Gesetz dir gibt.",
        ),
    },
)
TERMS: Mapping[str, Terms] = {"en": _ENGLISH, "de": _GERMAN}


def page(rules: HouseRules, now: Spoken) -> str:
    """A page; the operator's own terms stand in place of the plain ones, not beside them."""
    terms = TERMS[now.common.language]
    said = own_words(terms.own, rules.terms, rules.terms_url) or _plain(terms, rules)
    body = f"<h1>{terms.title}</h1>{run_by(rules, now.common)}{said}"
    return frame(now, rules, at="/terms", title=now.common.terms, body=body)


def _plain(terms: Terms, rules: HouseRules) -> str:
    return "".join(
        f"<h2>{escape(heading)}</h2><p>{escape(' '.join(sentences).format(age=rules.minimum_age))}</p>"
        for heading, sentences in terms.parts.items()
    )
