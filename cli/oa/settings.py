"""Where the house is and who asks: environment first, then what `oa login` kept, readable by its owner alone."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

__all__ = ["Login", "forget", "keep", "load"]

DEFAULT_URL = "http://127.0.0.1:8080"


class Login(NamedTuple):
    """The house's address, and a personal token (None: not signed in)."""

    url: str = DEFAULT_URL
    token: str | None = None


def load() -> Login:
    """`OA_URL` and `OA_TOKEN`, else what was kept, else the address that `make run` prints and no token."""
    kept = _kept()
    url = os.environ.get("OA_URL") or str(kept.get("url") or DEFAULT_URL)
    token = os.environ.get("OA_TOKEN") or kept.get("token")
    return Login(url.rstrip("/"), str(token) if token else None)


def keep(login: Login) -> Path:
    """Writes a login to the user's configuration folder (mode 0600) and returns the file."""
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    waiting = path.with_suffix(".new")
    waiting.unlink(missing_ok=True)
    descriptor = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(login._asdict(), file)
    waiting.replace(path)
    return path


def forget() -> None:
    """Removes what `keep` wrote."""
    _file().unlink(missing_ok=True)


def is_from_environment() -> bool:
    """Whether the token comes from `OA_TOKEN`."""
    return bool(os.environ.get("OA_TOKEN"))


def _file() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "openassistant" / "login.json"


def _kept() -> dict[str, str | None]:
    try:
        found = json.loads(_file().read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        print(f"{_file()} cannot be read and is left out. `oa login` writes it anew.", file=sys.stderr)
        return {}
    return found if isinstance(found, dict) else {}
