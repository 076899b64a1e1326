"""Settings every room shares: `OA_` variables, files for secrets. An unknown variable or a bad value is an error."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Self

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from openassistant.bus import Bus, read_seed
from openassistant.context import new_id
from openassistant.egress import Proxy
from openassistant.errors import Internal
from openassistant.grants import Trust
from openassistant.tls import believe

__all__ = ["RoomSettings", "Settings", "SettingsError"]


class SettingsError(Exception):
    """A setting that cannot be used; the message names it."""


class Settings(BaseSettings):
    """Values of `OA_` variables, and of no others. An empty one is as good as unset: Compose cannot leave one out."""

    model_config = SettingsConfigDict(env_prefix="OA_", frozen=True, env_ignore_empty=True)

    @classmethod
    def read(cls) -> Self:
        """The settings from the environment; raises `SettingsError` that names each bad variable."""
        known = {f"OA_{name.upper()}" for name in cls.model_fields}
        if unknown := sorted(name for name in os.environ if name.startswith("OA_") and name not in known):
            raise SettingsError(f"Unknown setting: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
        try:
            return cls()
        except ValidationError as error:
            bad = (f"OA_{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors())
            raise SettingsError("Bad setting. " + " ".join(f"{line}." for line in bad)) from error

    @classmethod
    def read_or_exit(cls) -> Self:
        """As `read`, ending the process with status 2 and one line on a bad setting."""
        try:
            return cls.read()
        except SettingsError as error:
            sys.exit(_complain(str(error)))


class RoomSettings(Settings):
    """Where the bus is, who this room is on it, whom it trusts, and where its data lies."""

    nats_url: str = "nats://127.0.0.1:4222"
    """Where the bus is."""
    nkey_file: Path
    """The seed of this room's key on the bus."""
    trust_file: Path | None = None
    """Public keys of gateway and audit; by default `trust.json` beside the nkey file."""
    data_dir: Path
    """What this room alone keeps."""
    alive_file: Path | None = None
    """Touched every few seconds while the room serves and the bus answers, for health checks; by default none is."""
    egress_url: str | None = None
    """The egress proxy, the only way out where there is one; by default connections are opened by the room itself."""
    egress_password_file: Path | None = None
    """This room's password there."""
    ca_file: Path | None = None
    """Authorities (PEM) whose certificates are believed besides the public ones."""

    def trust(self) -> Trust:
        """The public keys to believe; raises `Internal`."""
        return Trust.load(self.trust_file or self.nkey_file.with_name("trust.json"))

    def proxy(self, room: str) -> Proxy | None:
        """The way out as `room`, where it is not this room's own; raises `Internal` that names a bad setting."""
        if self.egress_url is None:
            return None
        try:
            password = self.egress_password_file.read_text().strip() if self.egress_password_file else ""
            return Proxy.at(self.egress_url, room=room, password=SecretStr(password))
        except (OSError, ValueError) as error:
            raise Internal(f"OA_EGRESS_URL or OA_EGRESS_PASSWORD_FILE cannot be used: {error}.") from error

    async def connect(self, room: str, *, streams: bool = False) -> Bus:
        """The bus as `room`; raises `Unavailable` after half a minute, `Internal` for a setting that is no use."""
        believe(self.ca_file)
        seed = read_seed(self.nkey_file)
        bus = await Bus.connect(self.nats_url, room=room, seed=seed, instance=new_id()[-8:], streams=streams)
        if self.alive_file:
            bus.show_life(self.alive_file)
        return bus


def _complain(line: str) -> int:
    sys.stderr.write(line + "\n")
    return 2
