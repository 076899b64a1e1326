"""Somebody who writes a connector far from this tree, with nothing of it but the SDK; and the service behind it."""

import json
import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.e2e.stack import ROOT, Stack
from tests.peers.process import LOOPBACK, Child, Lifespan

__all__ = ["MANIFEST", "REDIRECT", "TEST", "TOOLS", "Carrier", "Stranger"]

MANIFEST = """\
id = "parcels"
name = "Parcels"
version = "0.1.0"
description = "Parcels on their way to this house."
host_settings = ["url"]
auth.kind = "password"
settings.url = {type = "string", format = "uri", title = "Address of the carrier"}
"""

TOOLS = '''\
"""What a carrier lets the assistant do."""

from openassistant.connector import CheckStep, Connector, Context, OutsideText

connector = Connector(__file__)


@connector.check
async def look(ctx: Context):
    """Ask the carrier once."""
    yield CheckStep(name="The carrier answers", ok=len(await parcels_list(ctx)) >= 0)


@connector.tool(effect="read")
async def parcels_list(ctx: Context) -> list[OutsideText]:
    """List the parcels that are on their way."""
    found = (await ctx.http.get((await ctx.credentials()).settings["url"] + "/parcels")).json()
    return [OutsideText(text=each["what"], source="the carrier", authors=(each["from"],)) for each in found]
'''

TEST = '''\
"""The connector against the carrier itself."""

import asyncio

from openassistant.testing import FakeHouse

from parcels.tools import connector


async def parcels() -> list:
    async with FakeHouse(connector) as house:
        house.connect("Carrier", {"url": "@URL@"})
        return await house.call("parcels_list")


def test_the_parcels_are_listed() -> None:
    assert [each["text"] for each in asyncio.run(parcels())] == ["A lamp"]
'''

REDIRECT = '''

from typing import Annotated

from openassistant.connector import Field, Preview
from openassistant.errors import DeadlineExceeded

Name = Annotated[str, Field(description="The neighbour who takes the parcels")]


@connector.tool(effect="send")
async def parcels_redirect(ctx: Context, neighbour: Name) -> str:
    """Have the carrier leave all parcels with a neighbour."""
    await ctx.http.post((await ctx.credentials()).settings["url"] + "/redirect", json={"to": neighbour})
    return f"{neighbour} takes the parcels."


@parcels_redirect.preview
async def shown(ctx: Context, neighbour: str) -> Preview:
    """Who will get them."""
    return Preview(verb="Redirect the parcels", confirm="Redirect", content=f"All parcels go to {neighbour}.")


@parcels_redirect.reconcile
async def look_up(ctx: Context, call: object) -> None:
    """The carrier does not tell."""
    raise DeadlineExceeded("The carrier did not answer.")
'''


class Carrier(Lifespan):
    """A service with one parcel, that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        told = self.told

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer([{"what": "A lamp", "from": "Lindgren Lamps"}])

            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._answer({"ok": True})

            def log_message(self, *args: Any, **more: Any) -> None:
                """Nothing is written."""

            def _answer(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


class Stranger:
    """An author in a folder outside the tree. What the commands print is all that they are told of a house."""

    def __init__(self, home: Path) -> None:
        self.home, self.folder = home, home / "parcels"
        self._told: dict[str, str] = {}
        self._child: Child | None = None

    def command(self, *arguments: str, directory: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """One command in an environment that holds the SDK alone: `python -m` the arguments."""
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=directory or self.home, env=_only(ROOT / "sdk"),
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def new(self) -> None:
        """`openassistant new parcels`."""
        self.command("openassistant", "new", "parcels").check_returncode()

    def write(self, carrier: Carrier, *, more: str = "") -> None:
        """Put a connector of one's own in place of the example; `more` is appended to its tools."""
        (self.folder / "manifest.toml").write_text(MANIFEST)
        (self.folder / "tools.py").write_text(TOOLS + more)
        (self.folder / "test_parcels.py").write_text(TEST.replace("@URL@", carrier.url))

    def lines(self) -> int:
        """How many lines everything in the folder has, but empty ones."""
        files = [path for path in self.folder.iterdir() if path.suffix in {".py", ".toml"}]
        return sum(bool(line.strip()) for path in files for line in path.read_text().splitlines())

    def join(self, stack: Stack) -> str:
        """Get a key from whoever runs the house (the one step in the tree); what the command said."""
        ended = subprocess.run(
            [sys.executable, "-m", "deploy.provision", "add-connector", "parcels"], cwd=ROOT,
            env={**_only(ROOT, ROOT / "sdk"), "OA_DATA_DIR": str(stack.data_dir)},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        self._told = dict(re.findall(r"^ *export (OA_\w+)=(\S+)$", ended.stdout, re.MULTILINE))
        return ended.stdout

    def run(self) -> None:
        """`openassistant run parcels` with the environment that the command printed."""
        environment = {"PYTHONPATH": str(ROOT / "sdk"), **self._told}
        command = [sys.executable, "-m", "openassistant", "run", "parcels"]
        self._child = Child(command, name="connector", directory=self.home, env=environment)
        self._child.start(lambda: True)

    def stop(self) -> None:
        """End it by SIGTERM; harmless when it does not run."""
        if self._child is not None:
            self._child.stop()
            self._child = None


def _only(*places: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, places))}
