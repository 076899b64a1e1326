"""The house's home page for whoever is not signed in: what this is, what it does with accounts, and who runs it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

from services.gateway.house import HouseRules
from services.gateway.installation import Facts
from services.gateway.public import PRODUCT, Spoken, frame, run_by

__all__ = ["WELCOMES", "Welcome", "page"]


class Welcome(NamedTuple):
    """In one language; `parts` are headings with the points below each, braces name what is filled in."""

    lead: str
    sign_in: str
    who: str
    parts: Mapping[str, tuple[str, ...]]
    services: str
    more: str


_ENGLISH = Welcome(
    lead=(
        "Open Assistant is a personal assistant for the people of one house. It reads the mail, calendars and files "
        "that they connect, answers questions about them, and acts for them once they said yes."
    ),
    sign_in="Sign in",
    who="Who lives here is {age} or older and was let in by the owners.",
    parts={
        "What it does": (
            "It answers in a conversation, and names the mails, events and files that it read for that.",
            (
                "It writes drafts, files mail and plans events. Nothing reaches somebody else without your yes: you "
                "see who gets it and the exact text first, unless you gave that yes beforehand in a rule of your own."
            ),
            "It writes down what was done in your name, in a record that you can read and check.",
        ),
        "What it does with your accounts": (
            (
                "You connect an account yourself, say what may be done with it, and end that whenever you like. Where "
                "the provider asks for your consent, as Google and Microsoft do, you sign in there, and your password "
                "for it is never seen here."
            ),
            (
                "What is read there is used to answer you and to do what you ask, and for nothing else. So that it is "
                "found quickly, a copy lies here in a file of your own, encrypted with a key of your own."
            ),
            (
                "The model that answers reads what a question needs, as you allow for each account. There is no "
                "advertising, and the program reports to nobody."
            ),
            "When you remove the account, its copy here and the access to it are deleted.",
        ),
    },
    services="Services that can be connected here: {names}.",
    more="What is kept, where, and for how long",
)
_GERMAN = Welcome(
    lead=(
        "Open Assistant ist ein persönlicher Assistent für die Menschen eines Hauses. Er liest Mails, Kalender und "
        "Dateien, die sie verbinden, beantwortet Fragen dazu und handelt für sie, wenn sie Ja gesagt haben."
    ),
    sign_in="Anmelden",
    who="Wer hier lebt, ist {age} oder älter und wurde von den Eigentümern hereingelassen.",
    parts={
        "Was er tut": (
            "Er antwortet in einer Unterhaltung und nennt die Mails, Termine und Dateien, die er dafür gelesen hat.",
            (
                "Er schreibt Entwürfe, ordnet Mails ein und plant Termine. Nichts erreicht andere ohne dein Ja: Du "
                "siehst zuerst, wer es bekommt, und den genauen Text, wenn du dieses Ja nicht schon vorher in einer "
                "eigenen Regel gegeben hast."
            ),
            "Er schreibt auf, was in deinem Namen getan wurde, in ein Protokoll, das du lesen und prüfen kannst.",
        ),
        "Was er mit deinen Konten tut": (
            (
                "Du verbindest ein Konto selbst, sagst, was damit getan werden darf, und beendest das, wann du willst. "
                "Wo der Anbieter nach deiner Zustimmung fragt, wie Google und Microsoft, meldest du dich dort an, und "
                "dein Passwort dafür ist hier nie zu sehen."
            ),
            (
                "Was dort gelesen wird, dient dazu, dir zu antworten und zu tun, was du verlangst, und zu nichts "
                "anderem. Damit es schnell gefunden wird, liegt hier eine Kopie in einer Datei von dir, verschlüsselt "
                "mit einem eigenen Schlüssel."
            ),
            (
                "Das Modell, das antwortet, liest, was eine Frage braucht, so wie du es für jedes Konto erlaubst. Es "
                "gibt keine Werbung, und das Programm meldet niemandem etwas."
            ),
            "Wenn du das Konto entfernst, werden die Kopie hier und der Zugang zu ihm gelöscht.",
        ),
    },
    services="Dienste, die sich hier verbinden lassen: {names}.",
    more="Was aufbewahrt wird, wo und wie lange",
)
WELCOMES: Mapping[str, Welcome] = {"en": _ENGLISH, "de": _GERMAN}


def page(rules: HouseRules, now: Spoken, facts: Facts) -> str:
    """A page that names the program, as the consent screens of providers ask of it."""
    words = WELCOMES[now.common.language]
    services = f"<p>{escape(words.services.format(names=', '.join(facts.services)))}</p>" if facts.services else ""
    body = (
        f'<h1>{escape(rules.name or PRODUCT)}</h1><p class="lead">{words.lead}</p>'
        f'<p><a class="button" href="/">{words.sign_in}</a></p>'
        f'<p class="soft">{words.who.format(age=rules.minimum_age)}</p>'
        + "".join(map(_part, words.parts, words.parts.values()))
        + f'{services}<p><a href="{now.link("/privacy")}">{words.more}</a></p>'
        f'<section class="card">{run_by(rules, now.common)}</section>'
    )
    return frame(now, rules, at="/welcome", title=now.common.welcome, body=body)


def _part(heading: str, points: tuple[str, ...]) -> str:
    return f"<h2>{escape(heading)}</h2><ul>{''.join(f'<li>{escape(each)}</li>' for each in points)}</ul>"
