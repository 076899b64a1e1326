"""myworld: an emulator of Google's services (Gmail, Calendar, Drive, People) that nobody here wrote.

One process holds any number of worlds. A world is a set of services with one clock, what stands in them at the start
(`seed`), and the people who use them, each with an access token of their own:

    with MyWorld(gateway=True) as myworld:
        world = myworld.world({"gmail": {"seed": {...}}}, people=["ada@home.example"])
        world.token("ada@home.example"), world.api("gmail.googleapis.com")

`api` is the address in clear; with `gateway=True`, `myworld.proxy` answers for Google's real hosts over TLS (for
whoever trusts `myworld.ca_file`) and refuses every other host.
"""

from __future__ import annotations

import datetime as dt
import ssl
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.peers.process import LOOPBACK, Child, Lifespan, PeerError, free_port, listens, workspace

__all__ = ["NOW", "MyWorld", "World"]

NOW = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)  # what a world's clock shows when it opens; each call adds seconds


class World:
    """A set of services with people in it."""

    def __init__(self, control: httpx.Client, described: Mapping[str, Any]) -> None:
        self._control = control
        self.id = str(described["id"])
        self._instances = {name: str(server["instance"]) for name, server in described["servers"].items()}
        self._tokens = {
            str(keys["email"] or agent): str(keys["google_access_token"])
            for agent, keys in described["credentials"].items()
        }

    def token(self, person: str) -> str:
        """The access token of a person, named by address."""
        return self._tokens[person]

    @property
    def now(self) -> dt.datetime:
        """What its clock shows."""
        return dt.datetime.fromisoformat(self._ask("GET", f"/envs/{self.id}")["now"])

    def api(self, host: str) -> str:
        """Where, in clear, what Google serves at `host` is answered. Without a slash at the end."""
        return f"{str(self._control.base_url).rstrip('/')}/gw/{host}"

    def fail(self, service: str, *faults: Mapping[str, Any]) -> None:
        """Make calls fail, in place of what was set before: `{"tool": operation, "kind": …, "on_call": 1}`.

        An operation is named as in the discovery document and may be a pattern: `gmail.users.drafts.send`, `gmail.*`.
        Kinds: `rate_limit`, `unavailable`, `server_error`, `timeout`, `timeout_after_commit`, `duplicate_commit`,
        `transport_error`, `truncated`, `not_found`, `latency` (`hang_s`), `error` (`payload`). One fault fires once,
        unless it says `times` (None: without end).
        """
        self._ask("PUT", f"/instances/{self._instances[service]}/faults", [dict(fault) for fault in faults])

    def act(self, service: str, action: str, *, person: str | None = None, **values: Any) -> Any:
        """Let something happen in the world: mail that arrives (`deliver_email`), an invitation that is answered…"""
        event = {"server": service, "action": action, "params": values, "as": person}
        return self._ask("POST", f"/envs/{self.id}/events", event)["result"]

    def state(self, service: str) -> dict[str, Any]:
        """Everything that a service holds, for all people."""
        state: dict[str, Any] = self._ask("GET", f"/instances/{self._instances[service]}/state")["state"]
        return state

    def calls(self, service: str, operation: str | None = None) -> list[dict[str, Any]]:
        """The requests a service answered, first to last: `tool`, `args`, `ok`, `committed`, `fault`, `result`."""
        calls: list[dict[str, Any]] = self._ask("GET", f"/instances/{self._instances[service]}/calls")["calls"]
        return [call for call in calls if operation in {None, call["tool"]}]

    def advance(self, **amount: float) -> None:
        """Let time pass, named as for `timedelta`; what falls due on the way happens."""
        seconds = dt.timedelta(**amount).total_seconds()
        self._ask("POST", f"/envs/{self.id}/advance", {"seconds": seconds})

    def reset(self) -> None:
        """Back to the seed; tokens stay the same, faults are gone."""
        self._ask("POST", f"/envs/{self.id}/reset", {})
        for service in self._instances:
            self.fail(service)

    def close(self) -> None:
        """Take the world away: its tokens are refused from now on."""
        self._ask("DELETE", f"/envs/{self.id}")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._control.request(method, path, json=body)
        if not answer.is_success:
            raise PeerError(f"myworld refused {method} {path}: {answer.text}")
        return answer.json()


class MyWorld(Lifespan):
    """The emulator on loopback, with a TLS gateway where asked for."""

    def __init__(self, *, gateway: bool = False) -> None:
        self.directory = workspace("myworld")
        self.port, self._gateway = free_port(), free_port() if gateway else None
        self._control = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Where it is commanded, and where APIs answer in clear."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def proxy(self) -> str:
        """The proxy that answers for Google's hosts; `PeerError` without `gateway=True`."""
        if self._gateway is None:
            raise PeerError("this myworld was started without its gateway")
        return f"http://{LOOPBACK}:{self._gateway}"

    @property
    def ca_file(self) -> Path:
        """The authority that a client of the proxy has to trust."""
        return self.directory / "ca" / "myworld-ca.pem"

    def client_context(self) -> ssl.SSLContext:
        """A client-side TLS context that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def start(self) -> None:
        """See `Lifespan`."""
        command = [sys.executable, "-W", "ignore", "-m", "myworld.cli", "serve"]
        command += ["--host", LOOPBACK, "--port", str(self.port)]
        command += ["--no-passthrough", "--time", "virtual", "--log-level", "warning"]
        if self._gateway is not None:
            command += ["--gateway", str(self._gateway), "--ca-dir", str(self.directory / "ca")]
        self._child = Child(command, name="myworld", directory=self.directory)
        self._child.start(lambda: listens(self.port) and (self._gateway is None or listens(self._gateway)), seconds=60)

    def stop(self) -> None:
        """See `Lifespan`."""
        self._control.close()
        if self._child:
            self._child.stop()

    def world(
        self,
        services: Mapping[str, Mapping[str, Any]],
        people: Sequence[str],
        *,
        now: dt.datetime = NOW,
        events: Sequence[Mapping[str, Any]] = (),
    ) -> World:
        """A new world. `services` says what to begin with: `{"gmail": {"seed": {…}, "noise": {…}}, "calendar": {}}`.

        Each of `people` gets one token for all the services, and has to stand in the seed of each. Google's People API
        is served by `gmail`, whose seed holds the contacts.
        """
        spec = {
            "name": "open-assistant",
            "task": "",
            "now": now.isoformat(),
            "time": "virtual",
            "servers": {name: dict(settings) for name, settings in services.items()},
            "agents": {f"person-{number}": {"as": person} for number, person in enumerate(people)},
            "events": [dict(event) for event in events],
        }
        answer = self._control.post("/envs", json={"spec": spec})
        if not answer.is_success:
            raise PeerError(f"myworld refused the world: {answer.text}")
        return World(self._control, answer.json())
