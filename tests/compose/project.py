"""The product under Docker Compose, in a project and a network of its own.

with ComposeProject(doors=[...], model=house.model) as project, project.sign_in() as ada:
    account = ada.connect(project.reaching(house.mail_account()))
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.models.containers import Container

from tests.compose.doorway import Doorway
from tests.e2e.stack import OWNER, OWNER_PASSWORD, ROOT, Person
from tests.peers.model import ModelServer
from tests.peers.process import LOOPBACK, Lifespan, PeerError, free_port, wait_until, workspace

__all__ = ["ELSEWHERE", "ComposeProject", "missing"]

Row = dict[str, Any]
Found = TypeVar("Found")
_AT_ONCE = 20
"""Commands that run in containers side by side: what is out of reach takes seconds to say so."""
_ATTEMPTS = (Path(__file__).parent / "attempts.py").read_text()
ELSEWHERE = "somewhere.icloud.com"
"""A name under the one host on the calendar connector's card; for the proxy it leads into the owner's own network."""


def missing() -> str:
    """What this machine lacks to run containers; empty when it lacks nothing."""
    try:
        client = docker.from_env(timeout=10)
    except docker.errors.DockerException:
        return "needs a Docker daemon that answers"
    client.close()
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return "" if asked.returncode == 0 else "needs Docker Compose"


class ComposeProject(Lifespan):
    """Every container, with an owner made and the scripted model chosen; `scale` says how many of which.

    The network `egress` leads to the host, where `doors` (ports of loopback) are open to the containers. `env` adds to
    the environment of `docker compose`.
    """

    def __init__(
        self,
        *,
        doors: Iterable[int],
        model: ModelServer,
        scale: Mapping[str, int],
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = f"oa-test-{secrets.token_hex(4)}"
        self.port = free_port()
        self.client = docker.from_env(timeout=120, max_pool_size=_AT_ONCE)
        self._doors, self._model, self._scale, self._env = tuple(doors), model, dict(scale), dict(env or {})
        self._folder = workspace("compose")
        self._doorway: Doorway | None = None
        self._egress: Any = None

    @property
    def url(self) -> str:
        """Where a browser goes."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def host(self) -> str:
        """The host's address, as the containers with a way out reach it."""
        pools: list[Row] = self._egress.attrs["IPAM"]["Config"]
        return str(pools[0]["Gateway"])

    def start(self) -> None:
        """Build and start everything, and wait until it is healthy."""
        self._egress = self.client.networks.create(f"{self.name}-egress", driver="bridge")
        self._egress.reload()
        self._doorway = Doorway(self.host, self._doors)
        self._doorway.start()
        self._write_files()
        self.up("--build")

    def up(self, *options: str) -> None:
        """`docker compose up`, until every container is healthy."""
        scale = [option for name, count in self._scale.items() for option in ("--scale", f"{name}={count}")]
        self.compose("up", "--detach", "--wait", "--wait-timeout", "300", *scale, *options, seconds=1500)

    def replace(self, service: str, changes: Row) -> None:
        """Starts a service again with other things in its place (`command`, `volumes`), until it is healthy."""
        self._write_files({service: changes})
        self.up(service)

    def stop(self) -> None:
        """Remove containers, volumes, networks and images."""
        try:
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "15", "--rmi", "local", seconds=180)
        finally:
            if self._doorway is not None:
                self._doorway.stop()
            if self._egress is not None:
                self._egress.remove()
            self.client.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def compose(self, *command: str, seconds: float = 120) -> str:
        """What a Compose command prints; `PeerError` with the end of its words when it fails."""
        base = ["docker", "compose", "--project-name", self.name]
        files = ["--file", str(ROOT / "docker-compose.yml"), "--file", str(self._folder / "egress.json")]
        ended = subprocess.run(
            [*base, *files, *command],
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if ended.returncode:
            raise PeerError(f"compose {command[0]} failed:\n{ended.stderr[-3000:]}\n{self._last_words()}")
        return ended.stdout

    def sign_in(self) -> Person:
        """The owner, signed in."""
        return self.sign_in_as(OWNER, OWNER_PASSWORD)

    def sign_in_as(self, name: str, password: str) -> Person:
        """Somebody, signed in."""
        return Person(self.url, name, password)

    def reaching(self, account: Row) -> Row:
        """An account of a peer, with the address under which containers reach it."""
        answer: Row = json.loads(json.dumps(account).replace(LOOPBACK, self.host))
        return answer

    def containers(self, service: str | None = None) -> list[Container]:
        """The containers that run (of one service), by name."""
        labels = [f"com.docker.compose.project={self.name}"]
        labels += [f"com.docker.compose.service={service}"] if service else []
        return sorted(self.client.containers.list(filters={"label": labels}), key=lambda each: str(each.name))

    def network(self, name: str) -> Row:
        """What Docker says of a network."""
        whole = self._egress.name if name == "egress" else f"{self.name}_{name}"
        attributes: Row = self.client.networks.get(whole).attrs
        return attributes

    def in_each(self, services: Iterable[str], work: Callable[[str], Found]) -> dict[str, Found]:
        """What some work comes to for each service, done side by side."""
        names = tuple(services)
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(work, names), strict=True))

    def try_to(self, service: str, attempt: str, *arguments: str) -> Row:
        """What an attempt (attempts.py) comes to inside a service's container: `said`, or what `stopped` it."""
        status, output = self.run(service, "python", "-c", _ATTEMPTS, attempt, *arguments)
        if status:
            raise PeerError(f"{attempt} could not be tried in {service}: {output[-1000:]}")
        answer: Row = json.loads(output.splitlines()[-1])
        return answer

    def run(self, service: str, *command: str) -> tuple[int, str]:
        """Exit status and output of a command inside the first container of a service."""
        status, output = self.containers(service)[0].exec_run(list(command))
        return int(status), output.decode(errors="replace")

    def health(self, service: str) -> str:
        """What the health check of the first container of a service says: starting, healthy, unhealthy."""
        container = self.containers(service)[0]
        return str(container.attrs["State"]["Health"]["Status"])

    def logs(self) -> str:
        """Everything that all containers wrote."""
        return self.compose("logs", "--no-color")

    @contextmanager
    def stranger(self) -> Iterator[str]:
        """A server on `egress` that belongs to nobody in the house; its address, at port 8000."""
        image = self.containers("caldav")[0].image
        serve = ["python", "-m", "http.server", "--directory", "/data", "8000"]
        container = self.client.containers.run(image, serve, network=self._egress.name, detach=True)
        try:
            container.reload()
            if not wait_until(lambda: container.exec_run(_asking(LOOPBACK)).exit_code == 0, seconds=20):
                raise PeerError("the stranger does not listen")
            yield str(container.attrs["NetworkSettings"]["Networks"][self._egress.name]["IPAddress"])
        finally:
            container.remove(force=True)

    def reaches(self, service: str, address: str) -> bool:
        """Whether a service's container gets a connection to an address, at port 8000."""
        status, _ = self.run(service, *_asking(address))
        return status == 0

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OA_", "COMPOSE_FILE"))}
        return clean | {
            "OA_PORT": str(self.port),
            "OA_UID": str(os.geteuid() or 10001),
            "OA_GID": str(os.getegid() or 10001),
            "OA_SEND_HOLD_SECONDS": "0",
            "OA_SETUP_USER": OWNER,
            "OA_SETUP_PASSWORD_FILE": str(self._folder / "owner-password"),
            "OA_MODEL": f"openai/{self._model.name}",
            "OA_MODEL_BASE_URL": self._model.url.replace(LOOPBACK, self.host),
            **self._env,
        }

    def _write_files(self, services: Mapping[str, Row] | None = None) -> None:
        password = self._folder / "owner-password"
        password.write_text(OWNER_PASSWORD)
        password.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(password, 10001, 10001)
        patience = {"healthcheck": {"start_period": "200s"}}  # what else runs on a machine of tests takes its time
        changes = {
            "networks": {"egress": {"external": True, "name": self._egress.name}},
            "services": {
                "egress": {"extra_hosts": [f"{ELSEWHERE}:{self.host}"]},
                "gateway": patience,
                **(services or {}),
            },
        }
        (self._folder / "egress.json").write_text(json.dumps(changes))

    def _last_words(self) -> str:
        labels = {"label": f"com.docker.compose.project={self.name}"}
        found = self.client.containers.list(all=True, filters=labels)
        return "\n".join(f"{each.name} {each.status}: {each.logs(tail=5).decode(errors='replace')}" for each in found)


def _asking(address: str) -> list[str]:
    return ["python", "-c", f"import socket; socket.create_connection(({address!r}, 8000), 3).close()"]
