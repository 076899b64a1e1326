"""Everything a house needs before it starts: keys, trust, the bus configuration. `python -m deploy.provision`.

Run again, it keeps what is there and adds what is missing. Layout of the keys folder, one folder per room, so that
each room is handed its own and nothing else:

    <room>/nkey  <room>/trust.json  {gateway,audit}/signing.jwk  gateway/approved-cards.json
    {gateway,agent,vault,<connector>}/egress-password  egress/rooms.json
    bus/nats.conf  bus/server.json  root-key-id  connectors.json  versions.json
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from deploy import secretfiles, versions
from deploy.bus import configuration
from deploy.generated import ROOT
from deploy.permissions import EGRESS, SERVICES, table
from deploy.restoring import require_finished
from deploy.settings import HouseSettings
from openassistant.builtin import HOUSE_ID
from openassistant.bus import Bus, read_seed
from openassistant.errors import Conflict, Internal, InvalidRequest, NotFound, OaError, Unavailable
from openassistant.grants import Trust
from openassistant.locks import is_free
from openassistant.messages import Card, card_digest
from openassistant.settings import SettingsError
from services.vault.rootkey import RootKey, is_protected

__all__ = [
    "Roots",
    "Server",
    "add_connector",
    "connectors_of",
    "first_party",
    "jetstream_key",
    "last_server",
    "provision",
    "read_roots",
    "reload_bus",
    "roots_of",
]

_ID = re.compile(r"[a-z][a-z0-9_]{1,30}")
_RESERVED = (*SERVICES, EGRESS, HOUSE_ID, "bus", "keys", "logs", "lock", "backup")
"""Names of rooms, and of what else lies in the folders that have a place for each connector."""
_STORE_KEY_FILE = "jetstream.conf"


class Server(BaseModel):
    """Where the bus server listens and what it may write; kept, so that a later row can be added."""

    model_config = ConfigDict(frozen=True)

    listen: str = "127.0.0.1:4222"
    store_dir: str
    pid_file: str
    monitor: int | None = None
    """The port of the monitor on loopback that the health check of a container asks; None: no monitor."""
    key_in_file: bool = False
    """Whether the store's key lies in a file beside nats.conf (containers) or comes by a variable."""

    @property
    def url(self) -> str:
        """Where a room on the same machine reaches it."""
        return f"nats://{self.listen}"


class Roots(BaseModel):
    """What the house needs to know of its root key, without the key itself."""

    model_config = ConfigDict(frozen=True)

    identity: str
    replaces: tuple[str, ...]
    jetstream: SecretStr
    """The key of the bus's encrypted store, derived from the root key; it begins with a letter."""

    @classmethod
    def of(cls, root: RootKey) -> Roots:
        """What is derived from a root key."""
        jetstream = "k" + root.derive("jetstream").hex()
        return cls(identity=root.identity, replaces=root.replaces, jetstream=SecretStr(jetstream))


def provision(
    keys: Path,
    *,
    root_key_file: Path,
    server: Server,
    roots: Roots | None = None,
    bus_store: Path | None = None,
) -> bool:
    """Makes what is missing under `keys`, and the root key. Returns whether the root key is new.

    `roots` is what is known of a root key that is protected by a passphrase. After the root key was replaced the bus
    begins with an empty store, for the one before is under the old key: what is in `bus_store`, where it lies for this
    process, is removed as soon as no bus can use it. Raises `Internal` when the root key is missing or another one
    although this house was set up before, when a newer version has run it, and when it is half restored;
    `WrongPassphrase` for a protected root key without `roots`.
    """
    require_finished(keys)
    versions.require_known(keys)
    made = not (keys / "root-key-id").exists() and not root_key_file.exists()
    if made:
        secretfiles.write(root_key_file, secretfiles.root_key())
    roots = roots or read_roots(root_key_file)
    replaced = _require_known(keys, root_key_file, roots)
    if server.key_in_file:
        server = _with_own_store(server, roots, bus_store)
    elif replaced and bus_store:
        _empty(bus_store)
    secretfiles.keep(keys / "root-key-id", roots.identity + "\n")
    trust = Trust.of(
        gateway=secretfiles.signing_key(keys / "gateway" / "signing.jwk"),
        audit=secretfiles.signing_key(keys / "audit" / "signing.jwk"),
    )
    for room in (*SERVICES, EGRESS, *connectors_of(keys)):
        secretfiles.keep(keys / room / "trust.json", trust.dump() + "\n")
    _keep_passwords(keys)
    secretfiles.keep(keys / "gateway" / "approved-cards.json", json.dumps(first_party(), indent=2) + "\n")
    secretfiles.keep(keys / "bus" / "server.json", server.model_dump_json(indent=2) + "\n")
    if server.key_in_file:
        line = f'key: "{roots.jetstream.get_secret_value()}"\n'
        secretfiles.keep(keys / "bus" / _STORE_KEY_FILE, line)
    _write_bus_configuration(keys, server)
    versions.keep(keys)
    return made


def read_roots(root_key_file: Path, *, passphrase: str | None = None) -> Roots:
    """What is derived from the root key in a file; raises `WrongPassphrase`, `Internal`."""
    return Roots.of(RootKey.load(root_key_file, passphrase=passphrase))


def add_connector(keys: Path, name: str) -> Path:
    """Gives a connector from outside the tree a key and a row; returns the folder with its credentials.

    Raises `InvalidRequest` for a name that cannot be one, `Conflict` when it exists, `NotFound` before set-up.
    """
    if not _ID.fullmatch(name) or name in _RESERVED:
        raise InvalidRequest(
            f"{name!r} cannot be a connector's id: lower-case letters, digits and _, and no room's name."
        )
    known = connectors_of(keys)
    if name in known:
        raise Conflict(f"The connector {name} has its key already: {keys / name}")
    server = _server(keys)
    trust = (keys / "gateway" / "trust.json").read_text()
    secretfiles.write(keys / "connectors.json", json.dumps(sorted({*_added(keys), name})) + "\n")
    secretfiles.keep(keys / name / "trust.json", trust)
    _keep_passwords(keys)
    _write_bus_configuration(keys, server)
    return keys / name


def reload_bus(keys: Path) -> bool:
    """Makes a running bus server on this machine read its configuration again; False when none runs here.

    The pid file outlives a server, and its number may be another program's by now: only a running house is believed.
    """
    if is_free(keys.with_name("lock")):
        return False
    try:
        os.kill(int(Path(_server(keys).pid_file).read_text()), signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True


def connectors_of(keys: Path) -> tuple[str, ...]:
    """The ids of every connector of this house: those of the tree, and those added."""
    return tuple(sorted({*first_party(), *_added(keys)}))


def first_party() -> Mapping[str, str]:
    """Id and card digest of each connector in the tree, as it was released: approved from the start."""
    return {
        card.parent.name: card_digest(Card.model_validate_json(card.read_text()))
        for card in sorted((ROOT / "connectors").glob("*/card.json"))
    }


def jetstream_key(root_key_file: Path) -> str:
    """The key of the bus's encrypted store, of a root key without a passphrase."""
    return read_roots(root_key_file).jetstream.get_secret_value()


def roots_of(settings: HouseSettings) -> Roots | None:
    """What is known of a protected root key, by the passphrase in its file; None for one without."""
    if not is_protected(settings.root_key):
        return None
    return read_roots(settings.root_key, passphrase=settings.passphrase())


def _added(keys: Path) -> Sequence[str]:
    try:
        names: list[str] = json.loads((keys / "connectors.json").read_text())
    except FileNotFoundError:
        return []
    return names


def last_server(keys: Path) -> Server | None:
    """The bus server as it was provisioned last; None before the first time."""
    try:
        return Server.model_validate_json((keys / "bus" / "server.json").read_text())
    except (OSError, ValidationError):
        return None


def _server(keys: Path) -> Server:
    found = last_server(keys)
    if found is None:
        raise NotFound(f"There is no house at {keys} yet: start it once first.")
    return found


def _write_bus_configuration(keys: Path, server: Server) -> None:
    rows = table(connectors_of(keys))
    text = configuration(
        rows,
        {row.name: secretfiles.bus_key(keys / row.name / "nkey") for row in rows},
        listen=server.listen,
        store_dir=server.store_dir,
        pid_file=server.pid_file,
        key_file=_STORE_KEY_FILE if server.key_in_file else None,
        monitor=server.monitor,
    )
    secretfiles.keep(keys / "bus" / "nats.conf", text)


def _keep_passwords(keys: Path) -> None:
    """A password at the egress proxy for every room that connects to the outside; the proxy gets their digests."""
    digests = {
        room: hashlib.sha256(secretfiles.password(keys / room / "egress-password").encode()).hexdigest()
        for room in ("gateway", "agent", "vault", *connectors_of(keys))
    }
    secretfiles.keep(keys / EGRESS / "rooms.json", json.dumps(digests, indent=2) + "\n")


def _require_known(keys: Path, root_key_file: Path, roots: Roots) -> bool:
    """Whether a house's root key is another one than at its last start; raises `Internal` unless it follows that."""
    mark = keys / "root-key-id"
    known = mark.read_text().strip() if mark.exists() else roots.identity
    if known not in (roots.identity, *roots.replaces):
        raise Internal(
            f"{root_key_file} is not the root key that this house was set up with; with it nothing stored here "
            "can be opened. Put the right key back, or restore it from your note of it."
        )
    return known != roots.identity


def _with_own_store(server: Server, roots: Roots, bus_store: Path | None) -> Server:
    """In containers the bus may be running under the former key: it gets another folder for when it starts again.

    The folders before are removed once there is something in the new one.
    """
    if not roots.replaces:
        return server
    own = roots.identity[:16]
    if bus_store and any((bus_store / own).glob("*")):
        _empty(bus_store, but=own)
    return server.model_copy(update={"store_dir": f"{server.store_dir}/{own}"})


def _empty(folder: Path, *, but: str = "") -> None:
    """Removes what lies in a folder: streams carry wake-ups and live views, and nothing that must not be lost."""
    for each in folder.glob("*"):
        if each.name == but:
            continue
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()


def main(arguments: list[str] | None = None) -> int:
    """The command line: 0, 1 it cannot be done, 2 wrong use or settings."""
    options = _parser().parse_args(arguments)
    try:
        settings = HouseSettings.read()
        if options.command == "house":
            _make_house(options, settings)
        else:
            _make_connector(options.id, options.keys or settings.keys, settings.data_dir)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OaError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


def _make_house(options: argparse.Namespace, settings: HouseSettings) -> None:
    server = Server(listen=options.listen, store_dir=options.store_dir, pid_file=options.pid_file, key_in_file=True)
    roots = roots_of(settings)
    if provision(options.keys or settings.keys, root_key_file=settings.root_key, server=server, roots=roots):
        print(f"A new root key was made: {settings.root_key}. Keep a copy in a safe place that is not this machine.")


_ADDED = """{name} may join the bus{when}. In the shell in which it shall run:

  export OA_NATS_URL={url}
  export OA_NKEY_FILE={nkey}
  export OA_DATA_DIR={data}
  openassistant run FOLDER

FOLDER is the connector's own. The assistant uses nothing of it until the owner has allowed its card, in the web UI."""


def _make_connector(name: str, keys: Path, data_dir: Path) -> None:
    folder = add_connector(keys, name)
    url = _server(keys).url
    joins = reload_bus(keys) and asyncio.run(_joins(url, name, folder / "nkey"))
    print(
        _ADDED.format(
            name=name,
            when="" if joins else ", once the house is started again",
            url=shlex.quote(url),
            nkey=shlex.quote(str(folder / "nkey")),
            data=shlex.quote(str(data_dir / name)),
        )
    )


async def _joins(url: str, name: str, nkey: Path) -> bool:
    """Whether the running bus server knows the new key; it is tried for a few seconds."""
    logging.getLogger("openassistant").addHandler(logging.NullHandler())  # a refusal before the reload is no news
    try:
        bus = await Bus.connect(url, room=name, seed=read_seed(nkey), instance="provision", wait=10)
    except Unavailable:
        return False
    await bus.drain(seconds=1)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.provision")
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    house = commands.add_parser("house", help="make or complete the keys of a house that runs in containers")
    house.add_argument("--listen", default="0.0.0.0:4222", help="where the bus listens in its container")
    house.add_argument("--store-dir", default="/data", help="the folder of the bus's store in its container")
    house.add_argument("--pid-file", default="/data/nats.pid", help="the bus's pid file in its container")
    connector = commands.add_parser("add-connector", help="give a connector from outside the tree its key and row")
    connector.add_argument("id")
    for command in (house, connector):
        command.add_argument("--keys", type=Path, help="the keys folder (default: the one in OA_DATA_DIR)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
