"""The gateway's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from openassistant.errors import Internal
from openassistant.settings import RoomSettings
from services.gateway.preset import Preset

__all__ = ["GatewaySettings"]

_WEB = Path(__file__).parent / "web" / "build"
Names = Annotated[tuple[str, ...], NoDecode]


class GatewaySettings(RoomSettings):
    """Where the gateway listens, what it signs with, and what a house may be given before its first start."""

    host: str = "127.0.0.1"
    """The address on which the web interface listens."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """The port on which it listens."""
    allowed_hosts: Names = ()
    """Further names under which a browser may reach this house, divided by commas."""
    trusted_proxies: Names = ()
    """Addresses of reverse proxies whose X-Forwarded-* headers are believed, divided by commas."""
    signing_key_file: Path
    """The key that signs grants and approvals."""
    approved_cards_file: Path | None = None
    """Cards that came with this release: a JSON object of connector id to one digest or a list of them."""
    connectors: Names = ()
    """Which connectors of this release run and are waited for, by id and divided by commas; none: all of them."""
    setup_user: str | None = None
    """Creates the owner under this name at the first start, instead of the one-time link."""
    setup_password_file: Path | None = None
    """A file with that owner's password."""
    model: str | None = None
    """The model that answers, by its litellm name, or by the name that the server at OA_MODEL_BASE_URL knows."""
    model_base_url: str | None = None
    """The address of an OpenAI-compatible server."""
    model_api_key_file: Path | None = None
    """A file with the model provider's key."""
    local_model_url: str | None = None
    """Where a model server listens that was started together with this house; set by whoever started both."""
    local_model_name: str = "local"
    """What its model is called."""
    local_model_window: int | None = None
    """How many tokens it reads at once."""
    house_file: Path | None = None
    """Who runs this house and what he allows, in TOML: docs/guides/operators.md has its keys."""
    web_dir: Path = _WEB
    """The built web interface."""
    approval_hours: Annotated[float, Field(gt=0, le=7 * 24)] = 24.0
    """How long a question to the owner stays open."""

    send_hold_seconds: Annotated[float, Field(ge=0, le=600)] = 10.0
    """How long what leaves the house is held back after a yes, so that it can be taken back; 0 sends at once."""

    backup_report_file: Path | None = None
    """Where whoever copies this house writes down what became of the newest copy; none: nobody does."""

    push_hosts: Names = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "web.push.apple.com",
        "*.notify.windows.com",
    )
    """The services of browser makers over which browsers may be told that something waits, divided by commas."""

    @property
    def address(self) -> str:
        """Where a browser on this machine finds the house."""
        everywhere = self.host in ("0.0.0.0", "::")  # noqa: S104 - it is compared, not bound
        host = "localhost" if everywhere else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def preset(self) -> Preset | None:
        """The model to begin with; raises `Internal` where the model itself is missing."""
        if self.model is None:
            if self.model_base_url or self.model_api_key_file:
                raise Internal("OA_MODEL_BASE_URL and OA_MODEL_API_KEY_FILE need OA_MODEL beside them.")
            return None
        return Preset(model=self.model, base_url=self.model_base_url, key_file=self.model_api_key_file)

    @field_validator("allowed_hosts", "trusted_proxies", "connectors", "push_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(each.strip() for each in value.split(",") if each.strip()) if isinstance(value, str) else value
