"""What squid starts as its helpers: copies squid's questions to the room's socket, and the room's answers back.

`python -I -S pipe.py SOCKET KIND`. It decides nothing and holds nothing. Standard library alone, so that it starts at
once; it ends with either side, and squid then refuses what it would have asked.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

__all__ = ["main"]

_PIECE = 65536


def _answers(room: socket.socket) -> None:
    while answer := room.recv(_PIECE):
        os.write(1, answer)
    os._exit(0)


def main(path: str, kind: str) -> None:
    """Copies until one side ends."""
    room = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    room.connect(path)
    room.sendall(f"{kind}\n".encode())
    threading.Thread(target=_answers, args=(room,), daemon=True).start()
    while question := os.read(0, _PIECE):
        room.sendall(question)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
