"""The vocabulary of the seeded mailbox: people, subjects and sentences of everyday mail."""

import random

__all__ = ["PEOPLE", "paragraph", "paragraphs", "subject"]

PEOPLE = (
    "Carol Meyer <carol@example.org>",
    "Jürgen Groß <juergen@post.example>",
    "Zoë Lévêque <zoe@post.example>",
    "Library Desk <desk@library.example>",
    '"Garden Club, Linden Street" <garden@club.example>',
    "billing@power.example",
    "Train Tickets <no-reply@trains.example>",
    "Dr. Hanna Weiß <office@dentist.example>",
    "Weekly Digest <digest@news.example>",
    "Малина Кирова <malina@post.example>",
    "佐藤 健 <sato@post.example>",
    "Bicycle Shop <shop@bikes.example>",
)
_THINGS = (
    "bicycle", "garden", "kitchen", "invoice", "ticket", "library book", "birthday", "dentist", "train", "parcel",
    "concert", "recipe", "heating", "insurance", "school", "weekend", "holiday", "photo album", "Straßenfest",
    "café", "piano", "window", "tax letter", "neighbour", "cellar",
)  # fmt: skip
_ACTS = (
    "needs an answer", "is ready", "has moved to Tuesday", "was paid", "looks better now", "is still open",
    "will take until spring", "can be collected", "was cancelled", "begins at seven", "costs 42 euros",
)  # fmt: skip
_OPENINGS = ("Hello Ada", "Dear Ada", "Hi", "Good morning", "Liebe Ada", "Chère Ada")
_ASIDES = (
    "Could you look at it before Thursday?",
    "I enclose what I found.",
    "Nothing urgent.",
    "Do tell me if that suits you.",
    "The weather has been dreadful, so we stayed at home and repaired the old radio.",
    "See you soon – and greetings to everyone.",
)


def subject(dice: random.Random) -> str:
    """A subject line; one in seven is not ASCII, so that it has to be encoded."""
    thing, act = dice.choice(_THINGS), dice.choice(_ACTS)
    return f"The {thing} {act}" if dice.random() < 0.85 else f"{thing.title()} – größere Änderung ({act})"


def paragraph(dice: random.Random, sentences: int) -> str:
    """`sentences` sentences, wrapped nowhere."""
    return " ".join(
        dice.choice(_ASIDES) if dice.random() < 0.3 else f"The {dice.choice(_THINGS)} {dice.choice(_ACTS)}."
        for _ in range(sentences)
    )


def paragraphs(dice: random.Random) -> str:
    """A whole mail body of one to five paragraphs, about 80 words on average."""
    parts = [paragraph(dice, dice.randrange(1, 6)) for _ in range(dice.randrange(1, 6))]
    return "\n\n".join([f"{dice.choice(_OPENINGS)},", *parts, "Best wishes"]) + "\n"
