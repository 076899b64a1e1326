"""The rooms of a house as processes: what each one runs, and the settings that it alone is given."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from deploy.permissions import SERVICES
from deploy.settings import HouseSettings
from openassistant import __main__ as author

__all__ = ["Room", "environment", "load"]


class Room(BaseModel):
    """One process: its name on the bus, and what it does until SIGTERM."""

    model_config = ConfigDict(frozen=True)

    name: str
    work: Callable[[], int | None]


def load(connectors: Sequence[str]) -> tuple[Room, ...]:
    """The four services and these connectors of the tree, with everything imported that they run on."""
    services = (Room(name=name, work=_service(name)) for name in SERVICES)
    return (*services, *(Room(name=name, work=_connector(name)) for name in connectors))


def environment(
    room: str, settings: HouseSettings, *, url: str, model: str | None = None, passphrase: int | None = None
) -> Mapping[str, str]:
    """The `OA_` variables of a room; `url`: where the bus is; `model`: host:port of the house's own model server.

    `passphrase` is an open file with that of the root key, for the vault alone.
    """
    own = settings.keys / room
    given = {
        "OA_NATS_URL": url,
        "OA_NKEY_FILE": str(own / "nkey"),
        "OA_DATA_DIR": str(settings.data_dir / room),
    }
    if settings.ca_file is not None:
        given["OA_CA_FILE"] = str(settings.ca_file)
    if passphrase is not None and room == "vault":
        given["OA_PASSPHRASE_FILE"] = f"/dev/fd/{passphrase}"
    return given | _more(room, settings, own, model)


def _more(room: str, settings: HouseSettings, own: Path, model: str | None) -> dict[str, str]:
    signing = {"OA_SIGNING_KEY_FILE": str(own / "signing.jwk")}
    match room:
        case "gateway":
            cards = {"OA_APPROVED_CARDS_FILE": str(own / "approved-cards.json")}
            copies = {"OA_BACKUP_REPORT_FILE": str(settings.backup_report)} if settings.backup_dir else {}
            return signing | cards | copies | settings.passed_to_gateway() | _own_model(settings, model)
        case "audit":
            return signing | settings.passed_to_audit()
        case "vault":
            return {"OA_ROOT_KEY_FILE": str(settings.root_key)}
        case _:
            return {}


def _own_model(settings: HouseSettings, listen: str | None) -> dict[str, str]:
    if listen is None or settings.local_model_file is None:
        return {}
    return {
        "OA_LOCAL_MODEL_URL": f"http://{listen}/v1",
        "OA_LOCAL_MODEL_NAME": settings.local_model_file.stem,
        "OA_LOCAL_MODEL_WINDOW": str(settings.local_model_window),
    }


def _service(name: str) -> Callable[[], int | None]:
    work: Callable[[], int | None] = importlib.import_module(f"services.{name}.__main__").main
    return work


def _connector(name: str) -> Callable[[], int | None]:
    importlib.import_module(f"connectors.{name}.tools")
    return functools.partial(author.main, ["run", f"connectors.{name}"])
