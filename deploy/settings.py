"""The settings of the one-command run, and the environments of the processes it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import AnyHttpUrl, Field, TypeAdapter, field_validator, model_validator

from openassistant.settings import Settings, SettingsError
from services.vault.rootkey import is_protected, read_passphrase

__all__ = ["HouseSettings", "become", "complain", "program_environment", "with_path"]


def _default_data_dir() -> Path:
    """Where a desktop keeps a program's data (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "open-assistant"


class HouseSettings(Settings):
    """What whoever starts the house may choose; every variable begins with `OA_`."""

    data_dir: Path = Field(default_factory=_default_data_dir)
    """Everything that the house keeps, but the root key."""
    host: str = "127.0.0.1"
    """The address on which the web interface listens."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """The port on which it listens."""
    allowed_hosts: str = ""
    """Further names under which a browser may reach the house, divided by commas."""
    trusted_proxies: str = ""
    """Addresses of reverse proxies whose X-Forwarded-* headers are believed, divided by commas."""
    connectors: str = ""
    """Which of the connectors that come along run, by id and divided by commas; empty means all."""
    root_key_file: Path | None = None
    """By default beside the data directory and never in it, so that a copy of the data is not a copy of the key."""
    passphrase_file: Path | None = None
    """A file, or a pipe, with the passphrase of a root key that is protected by one, instead of asking for it."""
    setup_user: str | None = None
    """Creates the owner under this name at the first start, instead of the one-time link."""
    setup_password_file: Path | None = None
    """A file with that owner's password."""
    house_file: Path | None = None
    """Who runs this house and what he allows, in TOML: docs/guides/operators.md has its keys."""
    model: str | None = None
    """The model that answers, by its litellm name, or by the name that the server at OA_MODEL_BASE_URL knows."""
    model_base_url: str | None = None
    """The address of an OpenAI-compatible server, for example http://127.0.0.1:11434/v1."""
    model_api_key_file: Path | None = None
    """A file with the model provider's key."""
    local_model_file: Path | None = None
    """A GGUF file that the house runs in a process of its own and offers as a model; needs `make local` once."""
    local_model_window: Annotated[int, Field(ge=2048, le=1_048_576)] = 16_384
    """How many tokens that model reads at once; more takes more memory."""
    send_hold_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    """How long what leaves the house is held back after a yes, so that it can be taken back; 0 sends at once."""
    heads_file: Path | None = None
    """A file, best on another disk, to which signed heads of the ledger are appended; it is held against them."""
    heads_minutes: Annotated[float, Field(gt=0, le=10_080)] = 60.0
    """So many minutes lie between two heads in that file at least."""
    backup_dir: Path | None = None
    """A folder, best on another disk, into which the house is copied once a day."""
    backup_hour: Annotated[int, Field(ge=0, le=23)] = 3
    """At which hour of the day, in the machine's time zone."""
    backup_recipients: str = ""
    """Further age public keys (age1…) that open the copies, divided by commas."""
    backup_daily: Annotated[int, Field(ge=1, le=366)] = 7
    """Of so many days the newest copy is kept."""
    backup_weekly: Annotated[int, Field(ge=0, le=520)] = 4
    """Of so many weeks."""
    backup_monthly: Annotated[int, Field(ge=0, le=120)] = 6
    """Of so many months."""
    log_days: Annotated[float, Field(gt=0, le=3650)] | None = None
    """After so many days lines of the logs go; without it a log is put aside once it is too large."""
    ca_file: Path | None = None
    """Further authorities (PEM), such as that of a server at home, whose certificates are believed."""
    push_hosts: str | None = None
    """The services over which browsers may be told that something waits, instead of the usual makers'."""

    @field_validator(
        "data_dir",
        "root_key_file",
        "passphrase_file",
        "setup_password_file",
        "model_api_key_file",
        "local_model_file",
        "heads_file",
        "backup_dir",
        "ca_file",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("model_base_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None:
            TypeAdapter(AnyHttpUrl).validate_python(value)
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.setup_user is None) != (self.setup_password_file is None):
            raise SettingsError("Bad setting. OA_SETUP_USER and OA_SETUP_PASSWORD_FILE need each other.")
        if self.model is None and (self.model_base_url or self.model_api_key_file):
            raise SettingsError("Bad setting. OA_MODEL_BASE_URL and OA_MODEL_API_KEY_FILE need OA_MODEL beside them.")
        if self.backup_dir is not None and self.backup_dir.is_relative_to(self.data_dir):
            raise SettingsError(
                "Bad setting. OA_BACKUP_DIR lies inside OA_DATA_DIR: copies would be lost with the data."
            )
        if self.root_key.is_relative_to(self.data_dir):
            raise SettingsError(
                "Bad setting. OA_ROOT_KEY_FILE lies inside OA_DATA_DIR: a copy of the data would be a copy of its key."
            )
        return self

    def chosen_connectors(self, known: Iterable[str]) -> tuple[str, ...]:
        """Those of the `known` ones that run; raises `SettingsError`."""
        known = tuple(known)
        named = [each for part in self.connectors.split(",") if (each := part.strip())]
        if wrong := sorted({*named} - {*known}):
            raise SettingsError(f"Bad setting. OA_CONNECTORS: there is no {', '.join(wrong)}, but {', '.join(known)}.")
        return tuple(each for each in known if not named or each in named)

    @property
    def root_key(self) -> Path:
        """The file with the root key."""
        return self.root_key_file or self.data_dir.with_name(f"{self.data_dir.name}.root-key")

    def passphrase(self) -> str | None:
        """What is in the file with the passphrase, where the root key needs one; raises `Internal`."""
        if self.passphrase_file is None or not is_protected(self.root_key):
            return None
        return read_passphrase(self.passphrase_file)

    @property
    def backup_report(self) -> Path:
        """Where it is written down what became of the newest copy."""
        return self.data_dir / "backup" / "last.json"

    @property
    def recipients(self) -> tuple[str, ...]:
        """Who opens the copies besides whoever has the root key."""
        return tuple(each for part in self.backup_recipients.split(",") if (each := part.strip()))

    @property
    def keys(self) -> Path:
        """The folder of the rooms' keys and of the bus configuration."""
        return self.data_dir / "keys"

    @property
    def address(self) -> str:
        """Where a browser on this machine reaches the house."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def passed_to_audit(self) -> dict[str, str]:
        """The variables that the witness reads under the same names."""
        if self.heads_file is None:
            return {}
        return {"OA_HEADS_FILE": str(self.heads_file), "OA_HEADS_MINUTES": str(self.heads_minutes)}

    def passed_to_gateway(self) -> dict[str, str]:
        """The variables that the gateway reads under the same names."""
        names = (
            "host",
            "port",
            "allowed_hosts",
            "trusted_proxies",
            "connectors",
            "setup_user",
            "setup_password_file",
            "house_file",
            "model",
            "model_base_url",
            "model_api_key_file",
            "send_hold_seconds",
            "push_hosts",
        )
        values = {name: getattr(self, name) for name in names}
        return {f"OA_{name.upper()}": str(value) for name, value in values.items() if value not in (None, "")}


def become(settings: Mapping[str, str]) -> None:
    """Makes these the only `OA_` variables of this process: a forked room sees its own settings and no others."""
    for name in [name for name in os.environ if name.startswith("OA_")]:
        del os.environ[name]
    os.environ.update(settings)


def program_environment(**added: str) -> dict[str, str]:
    """The environment of a program that is not ours: no `OA_` variable but those added."""
    return {name: value for name, value in os.environ.items() if not name.startswith("OA_")} | added


def with_path(folder: Path) -> dict[str, str]:
    """This process's environment with `folder` before the other places of programs."""
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def complain(line: str, status: int) -> int:
    """Says on stderr why a command line ends; returns the status with which it does."""
    sys.stderr.write(f"{line}\n")
    return status
