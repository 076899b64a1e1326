"""The root key's file by hand: `python -m deploy.rootkey check | protect | unprotect | rotate --to FILE`.

With a passphrase the file holds the key wrapped; the key itself never touches a disk. `protect`, `unprotect` and
`rotate` want a house that is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from pathlib import Path

from deploy import secretfiles
from deploy.settings import HouseSettings, complain
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError
from openassistant.locks import is_free
from openassistant.settings import SettingsError
from services.vault.rootkey import SHORTEST_PASSPHRASE, RootKey, is_protected, read_passphrase
from services.vault.rotation import rotate_stopped

__all__ = ["main"]

_PROTECTED = """{file} is protected by the passphrase now. Without it nothing stored here can be opened, and nobody can
find it out for you: write it down where this machine is not. What the file held before may still lie on the disk, out
of sight; replace the root key once (oa keys rotate --only root), and what lies there opens nothing."""


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0 done, 1 it cannot be done, 2 wrong use or settings."""
    options = _parser().parse_args(arguments)
    try:
        settings = HouseSettings.read()
        {"check": _check, "protect": _protect, "unprotect": _unprotect, "rotate": _rotate}[options.command](
            settings, options
        )
    except SettingsError as error:
        return complain(str(error), 2)
    except OaError as error:
        return complain(error.message, 1)
    except OSError as error:
        return complain(f"{error.filename} cannot be written ({error.strerror}).", 1)
    return 0


def _check(settings: HouseSettings, _: argparse.Namespace) -> None:
    key = _load(settings)
    mark = settings.keys / "root-key-id"
    if mark.exists() and mark.read_text().strip() not in (key.identity, *key.replaces):
        raise InvalidRequest(f"{settings.root_key} is a root key, but not the one of the house in {settings.data_dir}.")
    kept = "protected by a passphrase, which fits" if is_protected(settings.root_key) else "in its file as it is"
    print(f"{settings.root_key}: the root key is {kept}." + ("" if mark.exists() else " There is no house yet."))


def _protect(settings: HouseSettings, _: argparse.Namespace) -> None:
    if is_protected(settings.root_key):
        raise Conflict(f"{settings.root_key} is protected already. To change the passphrase: unprotect, then protect.")
    _require_stopped(settings)
    key = RootKey.load(settings.root_key)
    secretfiles.write(settings.root_key, key.dump(passphrase=_chosen(settings)))
    print(_PROTECTED.format(file=settings.root_key))


def _unprotect(settings: HouseSettings, _: argparse.Namespace) -> None:
    if not is_protected(settings.root_key):
        raise Conflict(f"{settings.root_key} is not protected.")
    _require_stopped(settings)
    secretfiles.write(settings.root_key, _load(settings).dump())
    print(f"{settings.root_key} holds the root key as it is now; whoever can read the file has the key.")


def _rotate(settings: HouseSettings, options: argparse.Namespace) -> None:
    """For a root key that the house was given: the new one goes to another file, which is then given in its place."""
    _require_stopped(settings)
    passphrase = _asked(settings, "Passphrase of the root key: ") if is_protected(settings.root_key) else None
    former = RootKey.load(settings.root_key, passphrase=passphrase)
    if options.to.exists():
        new = RootKey.load(options.to, passphrase=passphrase)
        if former.identity not in new.replaces:
            raise Conflict(f"{options.to} exists already and was not made for this; nothing was changed.")
    else:
        new = RootKey.following(former)
        secretfiles.write(options.to, new.dump(passphrase=passphrase))
    places = (settings.data_dir / "data" / "vault", settings.data_dir / "vault")
    files = [each / "vault.db" for each in places if (each / "vault.db").exists()]
    if not files:
        raise NotFound(f"There is no house in {settings.data_dir} yet.")
    asyncio.run(rotate_stopped(files[0], former, new))
    print(f"The house is under the new root key in {options.to}. Give it that file: OA_ROOT_KEY_FILE.")


def _load(settings: HouseSettings) -> RootKey:
    if not is_protected(settings.root_key):
        return RootKey.load(settings.root_key)
    return RootKey.load(settings.root_key, passphrase=_asked(settings, "Passphrase of the root key: "))


def _chosen(settings: HouseSettings) -> str:
    """A new passphrase, typed twice or read from its file; raises `InvalidRequest` for a short one."""
    found = _asked(settings, "New passphrase: ")
    if len(found) < SHORTEST_PASSPHRASE:
        words = f"At least {SHORTEST_PASSPHRASE} characters: several words in a row are strong. Nothing was changed."
        raise InvalidRequest(words)
    if settings.passphrase_file is None and getpass.getpass("Once more: ") != found:
        raise InvalidRequest("These were two different ones. Nothing was changed.")
    return found


def _asked(settings: HouseSettings, prompt: str) -> str:
    if settings.passphrase_file is not None:
        return read_passphrase(settings.passphrase_file)
    if not sys.stdin.isatty():
        raise InvalidRequest("There is no terminal to ask for the passphrase. Name a file with it: OA_PASSPHRASE_FILE.")
    return getpass.getpass(prompt)


def _require_stopped(settings: HouseSettings) -> None:
    if not is_free(settings.data_dir / "lock"):
        raise Conflict("The house runs. Stop it first; its vault would not find the key as it was started with it.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.rootkey")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    commands.add_parser("check", help="say how the root key is kept, and whether it is this house's")
    commands.add_parser("protect", help="put the root key under a passphrase")
    commands.add_parser("unprotect", help="take the passphrase away")
    rotate = commands.add_parser("rotate", help="replace a root key that the house may not write itself")
    rotate.add_argument("--to", type=Path, required=True, metavar="FILE", help="where the new root key is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
