"""A connector author's commands: `openassistant run | card | check | new`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import resource
import signal
import sys
from pathlib import Path

from openassistant.connector import Connector
from openassistant.context import utc_now
from openassistant.contract import connector_faults
from openassistant.errors import InvalidRequest, OaError
from openassistant.log import configure
from openassistant.runner import Runner
from openassistant.scaffold import write_connector
from openassistant.settings import RoomSettings

__all__ = ["load", "main", "run_connector"]


def load(target: str) -> Connector:
    """The connector of a module ("connectors.mail"), a folder or a file; raises `InvalidRequest`."""
    path = Path(target)
    if path.exists():
        found = _module_at(path / "tools.py" if path.is_dir() else path)
    else:
        try:
            found = importlib.import_module(f"{target}.tools")
        except ModuleNotFoundError as error:
            if not f"{target}.tools.".startswith(f"{error.name}."):
                raise
            found = _module_named(target)
    connectors = [value for value in vars(found).values() if isinstance(value, Connector)]
    if len(connectors) != 1:
        raise InvalidRequest(f"{target} must define exactly one Connector; it defines {len(connectors)}.")
    return connectors[0]


async def run_connector(connector: Connector, settings: RoomSettings) -> None:
    """Serves a connector until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    bus = await settings.connect(connector.id)
    runner = Runner(
        connector,
        bus=bus,
        trust=settings.trust(),
        clock=utc_now,
        data_dir=settings.data_dir,
        proxy=settings.proxy(connector.id),
    )
    await runner.start()
    await runner.run(stop)


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0 done, 1 something is wrong with the connector, 2 wrong use or settings."""
    options = _parser().parse_args(arguments)
    try:
        command: int = options.command(options)
    except OaError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return command


def _run(options: argparse.Namespace) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold keys and what they open
    connector = load(options.connector)
    configure(connector.id)
    asyncio.run(run_connector(connector, RoomSettings.read_or_exit()))
    return 0


def _card(options: argparse.Namespace) -> int:
    connector = load(options.connector)
    shown = connector.card().model_dump_json(indent=2) + "\n"
    target = connector.folder / "card.json"
    if options.write:
        target.write_text(shown)
    elif options.check:
        if not target.exists() or target.read_text() != shown:
            sys.stderr.write(
                f"{connector.id}: card.json is stale; run: openassistant card {options.connector} --write\n"
            )
            return 1
    else:
        sys.stdout.write(shown)
    return 0


def _check(options: argparse.Namespace) -> int:
    connector = load(options.connector)
    faults = connector_faults(connector)
    for fault in faults:
        sys.stderr.write(f"{connector.id}: {fault}\n")
    if not faults:
        sys.stdout.write(
            f"{connector.id} {connector.manifest.version}: {len(connector.tools)} tools, {connector.digest()}\n"
        )
    return 1 if faults else 0


def _new(options: argparse.Namespace) -> int:
    folder = write_connector(options.id, Path(options.into))
    sys.stdout.write(
        f"Wrote {folder}. Try it: openassistant check {folder}\n"
        "Its key on the bus comes from the house it shall work in: "
        f"python -m deploy.provision add-connector {options.id}\n"
    )
    return 0


def _module_named(name: str) -> object:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise
        raise InvalidRequest(f"There is no folder, file or module {name}.") from error


def _module_at(path: Path) -> object:
    if not path.exists():
        raise InvalidRequest(f"There is no {path}: a connector's tools are declared there.")
    sys.path.insert(0, str(path.resolve().parent.parent))
    package = path.resolve().parent.name
    return importlib.import_module(f"{package}.{path.stem}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openassistant", description="Write and run connectors for Open Assistant.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve a connector (OA_NATS_URL, OA_NKEY_FILE, OA_DATA_DIR)")
    run.add_argument("connector", help="module, folder or file")
    run.set_defaults(command=_run)
    card = commands.add_parser("card", help="print the card, write it, or check that it is current")
    card.add_argument("connector")
    card.add_argument("--write", action="store_true")
    card.add_argument("--check", action="store_true")
    card.set_defaults(command=_card)
    check = commands.add_parser("check", help="look for what the contract asks and the connector lacks")
    check.add_argument("connector")
    check.set_defaults(command=_check)
    new = commands.add_parser("new", help="write a new connector with its test")
    new.add_argument("id")
    new.add_argument("--into", default=".", help="folder to write it into")
    new.set_defaults(command=_new)
    return parser


if __name__ == "__main__":
    sys.exit(main())
