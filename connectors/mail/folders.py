"""Folders and what they are for: by the server's own marks (RFC 6154), else by the names that people know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from openassistant.formats.charsets import clean

__all__ = ["Folder", "folders_of", "sync_order"]

_MARKS = {
    b"\\inbox": "inbox", b"\\sent": "sent", b"\\drafts": "drafts", b"\\trash": "trash", b"\\junk": "junk",
    b"\\archive": "archive", b"\\all": "all",
}  # fmt: skip
_NAMES = {
    "sent": (
        "sent", "sent items", "sent messages", "sent mail", "sent-mail", "gesendet", "gesendete elemente",
        "gesendete objekte", "envoyés", "messages envoyés", "éléments envoyés", "enviados", "elementos enviados",
        "posta inviata", "inviati", "verzonden", "verzonden items", "wysłane", "elementy wysłane", "отправленные",
        "надіслані", "skickat", "sendt", "sendt post", "lähetetyt", "odeslané", "odeslaná pošta", "elküldött",
        "gönderilenler", "απεσταλμένα", "送信済み", "送信済みメール", "已发送", "已发送邮件", "寄件備份",
        "보낸 편지함", "보낸메일함",
    ),
    "drafts": (
        "drafts", "draft", "entwürfe", "brouillons", "borradores", "bozze", "concepten", "rascunhos", "szkice",
        "wersje robocze", "черновики", "чернетки", "utkast", "kladder", "luonnokset", "koncepty", "rozepsané",
        "piszkozatok", "taslaklar", "πρόχειρα", "下書き", "草稿", "草稿箱", "임시보관함",
    ),
    "trash": (
        "trash", "deleted items", "deleted messages", "deleted", "bin", "papierkorb", "gelöschte elemente", "gelöscht",
        "corbeille", "éléments supprimés", "papelera", "elementos eliminados", "cestino", "posta eliminata",
        "prullenbak", "verwijderde items", "lixo", "lixeira", "itens excluídos", "kosz", "elementy usunięte", "корзина",
        "удаленные", "кошик", "papperskorgen", "borttagna objekt", "papirkurv", "søppel", "slettet post", "roskakori",
        "koš", "odstraněná pošta", "kuka", "törölt elemek", "çöp kutusu", "κάδος απορριμμάτων", "ゴミ箱", "已删除",
        "已删除邮件", "垃圾桶", "휴지통",
    ),
    "junk": (
        "junk", "spam", "junk e-mail", "junk-e-mail", "junk email", "bulk mail", "unerwünscht", "spamverdacht",
        "courrier indésirable", "indésirables", "pourriel", "correo no deseado", "posta indesiderata",
        "ongewenste e-mail",
        "lixo eletrônico", "wiadomości-śmieci", "niechciana poczta", "спам", "нежелательная почта", "skräppost",
        "uønsket e-post", "uønsket mail", "roskaposti", "nevyžádaná pošta", "levélszemét", "gereksiz", "ανεπιθύμητα",
        "迷惑メール", "垃圾邮件", "垃圾郵件", "스팸", "스팸메일함",
    ),
    "archive": (
        "archive", "archiv", "archives", "archivio", "archivo", "archief", "arquivo", "archiwum", "архив", "архів",
        "arkiv", "arkisto", "archív", "archívum", "arşiv", "αρχείο", "アーカイブ", "归档", "存档", "封存", "보관함",
    ),
}  # fmt: skip
"""What servers without marks call their folders, in languages that large providers speak; the likeliest first."""
_CLOSED = {b"\\noselect", b"\\nonexistent"}
_ORDER = ("inbox", "sent", "drafts", "archive", "", "all", "junk", "trash")

Listed = tuple[Sequence[bytes], bytes | None, bytes | str, str]
"""Marks, separator, path as the server spells it, decoded name."""


class Folder(NamedTuple):
    """A folder: `path` as the server spells it, `name` for people, `role` inbox, sent, drafts, … or ""."""

    path: bytes
    name: str
    role: str


def folders_of(listed: Iterable[Listed]) -> list[Folder]:
    """The folders that can hold mail, named as people know them.

    A mark wins over a guess; a guessed role goes to the folder that lies highest and has the likeliest name.
    """
    open_ones = [each for each in listed if not {mark.lower() for mark in each[0]} & _CLOSED]
    names = _shown([(separator, name) for _, separator, _, name in open_ones])
    roles = [_marked(marks, name) for marks, _, _, name in open_ones]
    guessed = _guesses(names, taken=set(roles))
    folders: list[Folder] = []
    for place, ((_, _, path, _), name) in enumerate(zip(open_ones, names, strict=True)):
        raw = path if isinstance(path, bytes) else path.encode("utf-8", "replace")
        folders.append(Folder(raw, clean("/".join(name))[:200], roles[place] or guessed.get(place, "")))
    return folders


def sync_order(folders: Iterable[Folder]) -> list[Folder]:
    """What people ask about first comes first; what nobody wants to read last."""
    return sorted(folders, key=lambda folder: (_ORDER.index(folder.role), folder.name.lower()))


def _marked(marks: Sequence[bytes], name: str) -> str:
    if name.upper() == "INBOX":
        return "inbox"
    return next((_MARKS[mark.lower()] for mark in marks if mark.lower() in _MARKS), "")


def _shown(listed: Sequence[tuple[bytes | None, str]]) -> list[list[str]]:
    """Each name in its parts, without the prefix below which some servers put everything (RFC 2342: `INBOX.`)."""
    parts = [name.split(mark.decode("ascii", "replace")) if mark else [name] for mark, name in listed]
    below = [each for each in parts if len(each) > 1 or each[0].upper() != "INBOX"]
    if below and all(len(each) > 1 and each[0].upper() == "INBOX" for each in below):
        return [each[1:] if len(each) > 1 else each for each in parts]
    return parts


def _guesses(names: Sequence[list[str]], *, taken: set[str]) -> dict[int, str]:
    """Roles by the place in `names`, for those roles that no folder is marked with."""
    guessed: dict[int, str] = {}
    for role in _NAMES.keys() - taken:
        known = _NAMES[role]
        fitting = [
            (len(name), known.index(name[-1].lower()), place)
            for place, name in enumerate(names)
            if name[-1].lower() in known
        ]
        if fitting:
            guessed[min(fitting)[2]] = role
    return guessed
