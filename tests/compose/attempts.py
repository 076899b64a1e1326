"""What somebody does who has a shell in a connector's container: one attempt each, told as one line of JSON.

Runs inside the container, with what is there: Python, the room's own key and password, and nothing of the tests. The
first argument names the attempt, the others are its own.
"""

import asyncio
import base64
import contextlib
import json
import socket
import sys
import urllib.request
from pathlib import Path

from nats.aio.client import Client

PROXY = ("egress", 3128)
SECONDS = 4


def tcp(host: str, port: str) -> str:
    """A connection straight there."""
    socket.create_connection((host, int(port)), SECONDS).close()
    return "connected"


def datagram(host: str, port: str) -> str:
    """A datagram straight there, and its answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SECONDS)
        sock.sendto(b"hello", (host, int(port)))
        return sock.recvfrom(100)[0].decode()


def name(host: str) -> str:
    """What this container's resolver says of a name."""
    return str(socket.getaddrinfo(host, 80)[0][4][0])


def names(server: str) -> str:
    """A question to a DNS server of one's own choice (RFC 1035): what a tunnel through DNS would send."""
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x06secret\x07example\x03org\x00\x00\x01\x00\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SECONDS)
        sock.sendto(question, (server, 53))
        answer = sock.recvfrom(512)[0]
    return f"rcode {answer[3] & 15}, {int.from_bytes(answer[6:8])} answers"


def connect(place: str, user: str, password: str) -> str:
    """The proxy's status for a tunnel; `own` stands for the room's own password, `-` for no sign-in at all."""
    return _status(f"CONNECT {place} HTTP/1.1\r\nHost: {place}", user, password)


def plain(method: str, url: str, user: str, password: str) -> str:
    """The proxy's status for a request that it should make itself."""
    return _status(f"{method} {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 0", user, password)


def by_library(url: str) -> str:
    """What Python's own client makes of the variables that it would find."""
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return str(answer.status)


def said(room: str, subject: str) -> str:
    """A request on the bus with this room's own key, and what comes of it."""
    return asyncio.run(_said(room, subject))


def heard(room: str, subject: str) -> str:
    """A subscription on the bus with this room's own key."""
    return asyncio.run(_heard(room, subject))


def read(path: str) -> str:
    """A file, or what lies in a folder."""
    found = Path(path)
    return ", ".join(sorted(each.name for each in found.iterdir())) if found.is_dir() else found.read_text()[:40]


def _text(path: str) -> str:
    return Path(path).read_text().strip()


def _status(head: str, user: str, password: str) -> str:
    given = _text("/keys/egress-password") if password == "own" else password
    token = base64.b64encode(f"{user}:{given}".encode()).decode()
    sign = "" if user == "-" else f"Proxy-Authorization: Basic {token}\r\n"
    with socket.create_connection(PROXY, SECONDS) as sock:
        sock.settimeout(20)
        sock.sendall(f"{head}\r\n{sign}\r\n".encode())
        return sock.recv(4096).split(b"\r\n")[0].split()[1].decode()


async def _client(room: str) -> tuple[Client, list[str], asyncio.Event]:
    """Who is connected as a room, what the bus said against it, and that it said something."""
    wrong: list[str] = []
    heard = asyncio.Event()

    async def note(error: Exception) -> None:
        wrong.append(str(error))
        heard.set()

    client = Client()
    await client.connect(
        "nats://bus:4222",
        nkeys_seed_str=_text("/keys/nkey"),
        error_cb=note,
        connect_timeout=SECONDS,
        max_reconnect_attempts=1,
        inbox_prefix=f"_INBOX_{room}".encode(),
    )
    return client, wrong, heard


async def _said(room: str, subject: str) -> str:
    client, wrong, heard = await _client(room)
    ways = [asyncio.create_task(each) for each in (client.request(subject, b"{}", timeout=2), heard.wait())]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for each in ways:
        each.cancel()
    await asyncio.gather(*ways, return_exceptions=True)
    await client.close()
    return "; ".join(wrong) or "allowed"


async def _heard(room: str, subject: str) -> str:
    client, wrong, _ = await _client(room)
    await client.subscribe(subject)
    with contextlib.suppress(Exception):
        await client.flush(2)
    await asyncio.sleep(0.5)
    await client.close()
    return "; ".join(wrong) or "allowed"


if __name__ == "__main__":
    try:
        told = {"said": globals()[sys.argv[1]](*sys.argv[2:])}
    except Exception as error:  # noqa: BLE001 - whatever stops it is the news
        told = {"stopped": f"{type(error).__name__}: {error}"}
    print(json.dumps(told))
