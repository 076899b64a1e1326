"""The privacy policy: a row for each thing that is kept or sent, and the page and the document that are made of them.

Each row has an id; `tests/privacy` has a test of that name which shows that what the row says is so.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import NamedTuple

from services.gateway.house import HouseRules

__all__ = ["ROWS", "STYLE_HASH", "Row", "document", "page"]


class Row(NamedTuple):
    """One thing: what it is, where it lies, how long, and who sees it."""

    id: str
    what: str
    where: str
    how_long: str
    who: str


ROWS = (
    Row(
        "account", "Your name, your user name, whether you are an owner or a member, when you came, and when you said "
        "that you are old enough. Not your age.",
        "The gateway's file, encrypted.", "Until you are erased.", "You, and the owners of the house.",
    ),
    Row(
        "password", "A hash of your password (argon2id), never the password.",
        "The gateway's file, encrypted.", "Until you change it or are erased.", "Nobody.",
    ),
    Row(
        "sign_ins", "When, from which network address and with which browser you signed in.",
        "The gateway's file, encrypted.", "60 days at most, and 14 days after you last used it.", "You.",
    ),
    Row(
        "known_addresses", "Networks from which you signed in before, so that strangers who guess cannot shut you out.",
        "The gateway's file, encrypted.", "180 days.", "Nobody.",
    ),
    Row(
        "tokens", "Of tokens for your programs: a hash, the last four characters, what each is for, when it was used.",
        "The gateway's file, encrypted.", "Until it ends, a year at most, or you revoke it.", "You.",
    ),
    Row(
        "invitations", "Of a link that lets somebody in: a digest, for whom it is in the owner's words, its end.",
        "The gateway's file, encrypted.", "Until it is used or revoked, 30 days at most.", "The owners of the house.",
    ),
    Row(
        "conversations", "What you write and what is answered, with what was read for it.",
        "A file of yours in the agent's room, encrypted with a key of your own.", "Until you delete it.",
        "You. The model that answers reads what a turn needs, as you allow for each source.",
    ),
    Row(
        "memories", "What you let the assistant remember.",
        "A file of yours in the gateway's room, encrypted with a key of your own.", "Until you have it forgotten.",
        "You. The model reads those that fit a question.",
    ),
    Row(
        "questions", "What you were asked before something was sent, changed or deleted, and what you said.",
        "The content in a file of yours, encrypted with a key of your own; ids and times in the gateway's.",
        "Until you delete the conversation.", "You.",
    ),
    Row(
        "schedules", "What is to be done at which times, as you signed it.",
        "A file of yours in the gateway's room, encrypted with a key of your own.", "Until it is over or you end it.",
        "You.",
    ),
    Row(
        "mirrors",
        "Copies of what your accounts hold, such as mails and events, so that they are found quickly.",
        "A file of yours at each connector, encrypted with a key of your own.",
        "Until you remove the account.",
        "You, and the connector.",
    ),
    Row(
        "secrets", "Passwords and tokens of the accounts that you connect.",
        "The vault's file, encrypted, and sealed once more inside.",
        "Until you remove the account; its consent is ended at the provider then.",
        "The connector of that account, for each thing that you let it do.",
    ),
    Row(
        "spending", "How many tokens you used of which model on which day, and what that cost.",
        "The gateway's file, encrypted.", "Until you are erased.", "You; the owners see the sums.",
    ),
    Row(
        "ledger", "What was done in your name, when, with which proof. What a record holds is sealed with your key.",
        "The witness's file, encrypted.",
        "For as long as the house stands: a ledger that forgets proves nothing. When you are erased your key is "
        "destroyed, and what your records hold cannot be read any more.",
        "You. An owner's export has of your records their digests alone.",
    ),
    Row(
        "house_traffic", "How many bytes went to which host on which day, counted at the one way out, without whose.",
        "The witness's file, encrypted.", "For as long as the house stands.",
        "The owners see the sums of the whole house; you see your own.",
    ),
    Row(
        "browser", "One cookie while you are signed in, and your choice of light or dark.",
        "Your browser.", "Until you sign out, 60 days at most.",
        "This house. Its pages load nothing from anywhere else.",
    ),
    Row(
        "logs", "That something failed, by its kind and place in the program. No content, no secret, no address.",
        "Where whoever started the house reads its output.", "As long as he keeps it.", "Who runs the machine.",
    ),
    Row(
        "no_telemetry", "Nothing: the house reports to nobody that it is there, how it is used, or that it failed.",
        "Nowhere.", "Never.",
        "Nobody. It speaks to the model, to the providers of the accounts that you connect, and to the makers of "
        "browsers that you let carry notices.",
    ),
)  # fmt: skip

_TITLE = "What this house keeps of you"
_INTRO = (
    "Each row says what is kept or sent, where it lies, how long, and who sees it. The owners of a house run it and "
    "read nobody's content. Who has the machine itself, with its keys, could: what he could do is written down in the "
    "guide for operators."
)
_HEADS = ("What", "Where", "How long", "Who sees it")
_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:64rem;margin:0 auto;"
    "padding:1.5rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;"
    "padding:.6rem .8rem .6rem 0;border-bottom:1px solid GrayText}.policy{white-space:pre-line}"
    "@media(max-width:48rem){thead{display:none}tr,td{display:block}td{border:0;padding:.2rem 0}"
    "tr{border-bottom:1px solid GrayText;padding:.8rem 0}td:before{content:attr(data-head) ': ';font-weight:600}}"
)
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def document() -> str:
    """docs/privacy.md."""
    head = f"# {_TITLE}\n\nGenerated by `python -m deploy.privacy --write` from `services/gateway/privacy.py`.\n\n"
    lines = [f"| id | {' | '.join(_HEADS)} |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| `{each.id}` | {each.what} | {each.where} | {each.how_long} | {each.who} |" for each in ROWS]
    more = (
        "\n\nEvery house serves this at `/privacy`, with the words of whoever runs it"
        " ([operators](guides/operators.md))."
        " Each row has a test of its name in `tests/privacy`.\n"
    )
    return head + _INTRO + "\n\n" + "\n".join(lines) + more


def page(rules: HouseRules) -> str:
    """The same as a page without scripts, under the words of whoever runs this house."""
    rows = "".join(
        f'<tr id="{each.id}">'
        + "".join(_cell(head, words) for head, words in zip(_HEADS, each[1:], strict=True))
        + "</tr>"
        for each in ROWS
    )
    heads = "".join(f'<th scope="col">{each}</th>' for each in _HEADS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Privacy</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{_TITLE}</h1>{_operator(rules)}<p>{_INTRO}</p>"
        f'<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table><p><a href="/">Back</a></p>'
        "</main></body></html>"
    )


def _cell(head: str, words: str) -> str:
    return f'<td data-head="{head}">{escape(words)}</td>'


def _operator(rules: HouseRules) -> str:
    """Who runs it, in his words: plain text, whatever he wrote."""
    lines = []
    if rules.operator or rules.name:
        lines.append(f"<p>{escape(rules.name or 'This house')} is run by {escape(rules.operator or 'its owners')}.</p>")
    if rules.contact:
        lines.append(f"<p>Contact: {escape(rules.contact)}</p>")
    if rules.policy:
        lines.append(f'<h2>Their policy</h2><p class="policy">{escape(rules.policy)}</p>')
    if rules.policy_url:
        lines.append(f'<p><a href="{escape(rules.policy_url)}" rel="noreferrer">{escape(rules.policy_url)}</a></p>')
    if rules.policy or rules.policy_url:
        lines.append("<h2>What the program does</h2>")
    return "".join(lines)
