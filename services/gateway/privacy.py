"""The privacy policy: a row for each thing that is kept or sent, and the page and the document that are made of them.

Each row has an id; `tests/privacy` has a test of that name which shows that what the row says is so.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from services.gateway.house import HouseRules
from services.gateway.installation import Facts, told
from services.gateway.public import Spoken, frame, own_words, run_by

__all__ = ["ENGLISH", "ROWS", "Policy", "Row", "document", "page"]


class Row(NamedTuple):
    """One thing: what it is, where it lies, how long, and who sees it."""

    id: str
    what: str
    where: str
    how_long: str
    who: str


class Policy(NamedTuple):
    """The policy in one language. `parts` are headings, each above the row of this id."""

    language: str
    title: str
    now: str
    intro: str
    heads: tuple[str, str, str, str]
    parts: dict[str, str]
    rows: tuple[Row, ...]
    policy: str
    program: str


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
        "provider_sign_ins", "If you sign in at a provider: which one, its id of you, the address or name that it "
        "told, when you last came by it. Nothing else that it tells.",
        "The gateway's file, encrypted.",
        "Until you take that way away, the owners take the provider away, or you are erased.",
        "You. The owners see how many sign in there, and the provider that you do.",
    ),
    Row(
        "provider_clients", "By what a provider of sign-ins knows this house: its secret there, and what a sign-in "
        "needs while it is under way.",
        "The vault's file, encrypted, and sealed once more inside.",
        "Until the owners take the provider away. A sign-in until it ends: it is good for ten minutes, and one that "
        "never ends goes when the next begins.",
        "The vault. The owners see that there is a secret, and nobody sees which.",
    ),
    Row(
        "second_factor", "If codes of an app are asked for at your sign-in: the secret that they are made from, when "
        "that began, and digests of your recovery codes.",
        "The gateway's file, encrypted.", "Until you turn it off or are erased; a recovery code until it is used.",
        "You, when it is made. Nobody after that.",
    ),
    Row(
        "passkeys", "Of each passkey its public key, the name that you gave it, the name of the house that it is "
        "for, how often it says that it was used, when it last was. Not your finger or face: they never leave your "
        "device.",
        "The gateway's file, encrypted.", "Until you remove it or are erased.", "You.",
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
        "conversations",
        "What you write, the files that you give with it, and what is answered, with what was read for it.",
        "A file of yours in the agent's room, encrypted with a key of your own.",
        "Until you delete it, or for as long as you chose.",
        "You. The model that answers reads what a turn needs, as you allow for each source.",
    ),
    Row(
        "memories", "What you let the assistant remember.",
        "A file of yours in the gateway's room, encrypted with a key of your own.",
        "Until you have it forgotten, or for as long as you chose; what you pinned stays.",
        "You. The model reads those that fit a question.",
    ),
    Row(
        "questions", "What you were asked before something was sent, changed or deleted, and what you said.",
        "The content in a file of yours, encrypted with a key of your own; ids and times in the gateway's.",
        "Until you delete the conversation, or for as long as you chose; one that still waits stays.", "You.",
    ),
    Row(
        "schedules", "What is to be done at which times, as you signed it.",
        "A file of yours in the gateway's room, encrypted with a key of your own.", "Until it is over or you end it.",
        "You.",
    ),
    Row(
        "keeping", "For how long you chose to have what kept, and what the last run removed: kinds and numbers.",
        "The gateway's file, encrypted. What you chose stands in the ledger, too.",
        "Until you choose otherwise or are erased.", "You.",
    ),
    Row(
        "archives", "An archive of all that the house holds of you, if you ask for one.",
        "A file of yours in the gateway's room, encrypted with a key of your own; sealed besides for the passphrase or "
        "the key that you gave, if you gave one.",
        "24 hours, and one hour after you fetched it. It goes when you erase something of yours, and with you.", "You.",
    ),
    Row(
        "imports", "An archive that you bring in, while it is read.",
        "A file of yours in the gateway's room, encrypted with a key of your own.",
        "Until it is taken in or refused, 24 hours at most. What was taken in is kept like what you make here.",
        "You.",
    ),
    Row(
        "mirrors",
        "Copies of what your accounts hold, such as mails and events, so that they are found quickly.",
        "A file of yours at each connector, encrypted with a key of your own.",
        "Until you remove the account, or for as long as you chose; what the provider holds is not touched by that.",
        "You, and the connector.",
    ),
    Row(
        "secrets", "Passwords and tokens of the accounts that you connect.",
        "The vault's file, encrypted, and sealed once more inside.",
        "Until you remove the account; its consent is ended at the provider then.",
        "The connector of that account, for each thing that you let it do.",
    ),
    Row(
        "loans", "If you share an account with somebody here, or somebody shares one with you: which, with whom, what "
        "for, the names of the calendars that it is limited to, and until when.",
        "The gateway's file, encrypted; what was signed of it in the vault's, too.",
        "Until one of you ends it, its time is over, a year at most, or the account or one of you goes.",
        "You and the other. Who borrows it has a copy in a file of his own, until it ends; what he read of it in "
        "conversations stays there.",
    ),
    Row(
        "webhooks", "For an account whose provider may call the house: an address that leads to it, and when somebody "
        "was last refused there.",
        "The gateway's file, encrypted.", "Until you change it or remove the account.",
        "You, and the provider that you give it to. What comes by it goes to the connector, and none of it is kept at "
        "the door.",
    ),
    Row(
        "model_requests", "What a model is sent for an answer: your words, what was said before, memories that fit, "
        "and what was read for it. What is for local models only goes to no other, and of what is redacted "
        "placeholders go for addresses.",
        "At the model that you or the owners chose.",
        "There for as long as its provider says. Here the ledger counts it: which model, how many bytes, whose text.",
        "Who runs that model.",
    ),
    Row(
        "notice_browsers", "Of a browser that tells you when something waits: its address at its maker, its keys, its "
        "name, when it was last told.",
        "A file of yours in the gateway's room, encrypted with a key of your own.",
        "Until you sign out there, end that sign-in, or remove it, or the browser ends it. A sign-in that runs out by "
        "itself does not end it.",
        "You.",
    ),
    Row(
        "notices", "That something waits for your yes, sealed for your browser alone; what it is only if you chose "
        "that.",
        "At the maker of your browser.", "Until your browser has it, 24 hours at most.",
        "The maker of your browser sees that this house sent something, when, and its length in steps of 256 bytes.",
    ),
    Row(
        "spending", "How many tokens you used of which model on which day, and what that cost.",
        "The gateway's file, encrypted.", "Until you are erased.", "You; the owners see the sums.",
    ),
    Row(
        "ledger", "What was done in your name, when, with which proof. What a record holds is sealed with your key.",
        "The witness's file, encrypted.",
        "That it was done, with its proof, for as long as the house stands: a ledger that forgets proves nothing. What "
        "a record holds until you empty it, or for as long as you chose. When you are erased your key is destroyed, "
        "and what is left of that cannot be read any more.",
        "You. An owner's export has of your records their digests alone.",
    ),
    Row(
        "left", "How many bytes your accounts and your questions sent to which host on which day, and whose text was "
        "in the questions.",
        "The witness's file, encrypted.", "Until you delete it or are erased, or for as long as you chose.",
        "You.",
    ),
    Row(
        "house_traffic", "How many bytes went to which host on which day, counted at the one way out, without whose.",
        "The witness's file, encrypted.", "For as long as the house stands.",
        "The owners.",
    ),
    Row(
        "browser",
        "One cookie while you are signed in, your choices of light or dark, language, keys and voice, what you typed"
        " and have not sent, and what you searched for last.",
        "Your browser.", "Until you sign out there; the cookie 60 days at most, choices until you clear them.",
        "This house. Its pages load nothing from anywhere else.",
    ),
    Row(
        "visitors", "Nothing of somebody who only reads the pages that are open to all: home, privacy and terms.",
        "Nowhere.", "Never.", "Nobody.",
    ),
    Row(
        "logs", "That something failed, by its kind and place in the program. No content, no secret, no address.",
        "Where whoever started the house reads its output.", "As long as he keeps it.", "Who runs the machine.",
    ),
    Row(
        "copies", "Copies of the whole house, if whoever runs it has them made: all that is written here, encrypted as "
        "it lies there, and the keys.",
        "In the folder that he chose, sealed with age for the root key.",
        "The newest of 7 days, 4 weeks and 6 months, unless he chose other numbers, and one with a label until he "
        "removes it. What is erased stays in copies of before until they go.",
        "Who has the root key, and whom he named besides.",
    ),
    Row(
        "root_key", "The key under which all other keys lie.",
        "A file outside of the data that the house's account alone may read; wrapped under a passphrase, if there is "
        "one.",
        "Until it is replaced.", "Who runs the machine.",
    ),
    Row(
        "passphrase", "The passphrase of the root key, if there is one.",
        "Nowhere: the house is told it when it starts. Whoever runs it may name a file of his own with it.",
        "While the house runs, in memory.", "Who knows it.",
    ),
    Row(
        "recovery_sheet", "The root key on paper, if somebody prints it.",
        "Where he puts it. The house shows it and keeps none.", "As long as he keeps it.", "Who has the paper.",
    ),
    Row(
        "no_telemetry", "Nothing: the house reports to nobody that it is there, how it is used, or that it failed.",
        "Nowhere.", "Never.",
        "Nobody. It speaks to the model, to the providers of the accounts that you connect, and to the makers of "
        "browsers that you let carry notices.",
    ),
)  # fmt: skip

ENGLISH = Policy(
    language="en",
    title="What this house keeps of you",
    now="What this house does at the moment",
    intro=(
        "Each row says what is kept or sent, where it lies, how long, and who sees it. The owners of a house run it "
        "and read nobody's content. Who has the machine itself, with its keys, could: what he could do is written down "
        "in the guide for operators."
    ),
    heads=("What", "Where", "How long", "Who sees it"),
    parts={
        "account": "You, and how you sign in",
        "conversations": "What you do here",
        "mirrors": "Your accounts elsewhere",
        "model_requests": "Models and notices",
        "spending": "The record",
        "browser": "The house",
    },
    rows=ROWS,
    policy="Their policy",
    program="What the program keeps",
)


def document() -> str:
    """docs/privacy.md, in English."""
    head = (
        f"# {ENGLISH.title}\n\nGenerated by `python -m deploy.privacy --write` from `services/gateway/privacy.py`.\n\n"
    )
    lines: list[str] = []
    for each in ROWS:
        if each.id in ENGLISH.parts:
            lines += [
                "",
                f"## {ENGLISH.parts[each.id]}",
                "",
                f"| id | {' | '.join(ENGLISH.heads)} |",
                "| --- | --- | --- | --- | --- |",
            ]
        lines.append(f"| `{each.id}` | {each.what} | {each.where} | {each.how_long} | {each.who} |")
    more = (
        "\n\nEvery house serves this at `/privacy`, in English and German, under the words of whoever runs it"
        " ([operators](guides/operators.md)) and under what it does at the moment, read from its settings: which"
        " services can be connected, which models answer and where they are, for how long things are kept where nobody"
        " chose, the age it asks, whether copies are made, and how people sign in."
        " Each row has a test of its name in `tests/privacy`.\n"
    )
    return head + ENGLISH.intro + "\n" + "\n".join(lines) + more


def page(rules: HouseRules, now: Spoken, policy: Policy, facts: Facts) -> str:
    """The same as a page, under the words of whoever runs this house and what this house does at the moment."""
    rows = "".join(
        _heading(policy, each.id)
        + f'<tr id="{each.id}">'
        + "".join(_cell(head, words) for head, words in zip(policy.heads, each[1:], strict=True))
        + "</tr>"
        for each in policy.rows
    )
    parts = "".join(f'<li><a href="#{id_}">{escape(name)}</a></li>' for id_, name in policy.parts.items())
    heads = "".join(f'<th scope="col">{each}</th>' for each in policy.heads)
    lines = "".join(f"<dt>{escape(head)}</dt><dd>{escape(words)}</dd>" for head, words in told(facts, now.common))
    body = (
        f"<h1>{policy.title}</h1>{run_by(rules, now.common)}{own_words(policy.policy, rules.policy, rules.policy_url)}"
        f'<section class="card"><h2>{policy.now}</h2><dl>{lines}</dl></section>'
        f'<h2>{policy.program}</h2><p>{policy.intro}</p><ul class="ways">{parts}</ul>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )
    return frame(now, rules, at="/privacy", title=now.common.privacy, body=body, wide=True)


def _heading(policy: Policy, row: str) -> str:
    """What stands above a row that begins a part."""
    name = policy.parts.get(row)
    return f'<tr><th scope="colgroup" colspan="4"><h2>{escape(name)}</h2></th></tr>' if name else ""


def _cell(head: str, words: str) -> str:
    return f'<td data-head="{head}">{escape(words)}</td>'
