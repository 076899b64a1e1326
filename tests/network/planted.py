"""A house one of whose rooms calls home, as a library with telemetry would: what a record must see.

`python -m tests.network.planted`
"""

import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial

import httpx

from deploy import rooms, supervisor
from deploy.rooms import Room

ROOM = "agent"
NAME = "telemetry.example.com"
SERVERS = (("203.0.113.9", 443), ("2001:db8::9", 443), ("192.168.1.1", 80))
SOUGHT = ("fe80::9", 0)
"""A neighbour that is not there, which the record knows by the question for it."""
LISTENERS = (("203.0.113.9", 8125), ("255.255.255.255", 9999), ("224.0.0.251", 5353))
PLACES = (*SERVERS, *LISTENERS)
_MULTICAST_QUESTION = b"\0\0\0\0\0\1\0\0\0\0\0\0\5_http\4_tcp\5local\0\0\x0c\0\1"


def load(connectors: Sequence[str]) -> Sequence[Room]:
    """The rooms, one of them with something planted."""
    return [_with_a_call(room) if room.name == ROOM else room for room in rooms.load(connectors)]


def _with_a_call(room: Room) -> Room:
    return Room(name=room.name, work=partial(_work, room.work))


def _work(work: Callable[[], int | None]) -> int | None:
    threading.Thread(target=_call_home, daemon=True).start()
    return work()


def _call_home() -> None:
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(f"https://{NAME}/v1/traces", json={"started": True}, timeout=5, trust_env=False)
    for host, port in (*SERVERS, (f"{SOUGHT[0]}%wire", 443)):
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), 2).close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        sending.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for place in LISTENERS:
            sending.sendto(_MULTICAST_QUESTION if place[1] == 5353 else b"house.started:1|c", place)


if __name__ == "__main__":
    sys.exit(supervisor.run(load))
