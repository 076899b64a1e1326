"""Which version of everything a house was last run with, so that an older program refuses it and touches no file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy import secretfiles
from deploy.generated import ROOT
from openassistant import __version__
from openassistant.context import PROTOCOL
from openassistant.errors import Internal

__all__ = ["Versions", "keep", "known", "lines_of", "require_known"]

_SERVICES, _CONNECTORS = ROOT / "services", ROOT / "connectors"
_SDK = ROOT / "sdk" / "openassistant" / "migrations"
_SDK_IMAGE = ROOT / "openassistant" / "migrations"
"""In an image the SDK lies beside the rooms."""


class Versions(BaseModel):
    """`schemas`: by kind of file (`gateway/users`) and line of migrations, the newest number."""

    model_config = ConfigDict(frozen=True)

    version: str = __version__
    protocol: int = PROTOCOL
    schemas: dict[str, dict[str, str]] = {}


def lines_of(name: str) -> dict[str, Path]:
    """The lines of migrations of a database, as its room opens it; those of a stranger's connector are not known."""
    path = PurePosixPath(name)
    room, users = path.parts[0], "users" in path.parts[1:]
    match room:
        case "vault":
            return {"own": _SERVICES / "vault" / "migrations"}
        case "audit":
            folder = _SERVICES / "audit" / "migrations"
            return {"own": folder, "left": folder / "left", "keys": folder / "keys"}
        case "gateway":
            return {"own": _SERVICES / "gateway" / "migrations" / ("user" if users else "room")}
        case "agent":
            folder = _SERVICES / "agent" / "migrations"
            return {"own": folder / "user", "left": folder / "left"} if users else {"own": folder / "room"}
    sdk = _SDK if _SDK.exists() else _SDK_IMAGE
    if not users:
        return {"sdk": sdk / "room"}
    own = _CONNECTORS / room / "migrations"
    return {"sdk": sdk / "user", "traffic": sdk / "traffic", **({"own": own} if own.exists() else {})}


def known() -> Versions:
    """What the programs at hand bring files up to."""
    connectors = sorted(each.parent.name for each in _CONNECTORS.glob("*/card.json"))
    kinds = ["vault/vault.db", "audit/ledger.db"]
    kinds += [f"{room}/{part}" for room in ("gateway", "agent", *connectors) for part in ("room.db", "users/x.db")]
    schemas = {
        _kind(name): {line: _newest(folder) for line, folder in lines_of(name).items() if folder.exists()}
        for name in kinds
    }
    return Versions(schemas=schemas)


def keep(keys: Path) -> None:
    """Writes down the versions at hand as the ones that this house was run with."""
    secretfiles.keep(keys / "versions.json", known().model_dump_json(indent=1) + "\n")


def require_known(keys: Path) -> None:
    """Raises `Internal` for a house that a newer version has run."""
    try:
        former = Versions.model_validate_json((keys / "versions.json").read_text())
    except FileNotFoundError:
        return
    except ValidationError as error:
        raise Internal(f"{keys / 'versions.json'} was written by a newer version of Open Assistant.") from error
    if former.protocol > PROTOCOL or _newer(former.schemas, known().schemas):
        raise Internal(
            f"This house was run by a newer version ({former.version}; this is {__version__}), and an older one cannot "
            "read what that wrote. Start the newer version, or go back to a copy of before: make rollback."
        )


def _newer(former: Mapping[str, Mapping[str, str]], ours: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a line that is known here has come further than here."""
    return any(
        number > ours.get(kind, {}).get(line, number) for kind, lines in former.items()
        for line, number in lines.items()
    )  # fmt: skip


def _kind(name: str) -> str:
    path = PurePosixPath(name)
    return f"{path.parts[0]}/users" if "users" in path.parts else name


def _newest(folder: Path) -> str:
    return max((each.name[:4] for each in folder.glob("[0-9]*.py")), default="")
