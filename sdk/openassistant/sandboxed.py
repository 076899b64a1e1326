"""The inside of the sandbox: run as a script by `sandbox.py`, with nothing of ours imported but what it is told to.

    python -I sandboxed.py '{"paths": […], "function": "package.module:name", "seconds": 20, "memory": …, "output": …}'

It imports the function, puts up the walls, and only then looks at the bytes on its standard input. What the function
returns goes to the standard output as JSON: `{"value": …}`, or `{"failed": "memory" | "depth" | the name of an error}`.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["main"]

_NEW_NAMESPACES = 0x10000000 | 0x40000000 | 0x08000000 | 0x04000000
"""unshare(2): user, network, System V IPC, host name."""
_NO_NEW_PRIVILEGES = 38
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""landlock(7); the numbers are the same on every architecture."""
_CODECS = (
    "ascii", "big5", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1256", "cp437", "euc_jp", "euc_kr", "gb18030",
    "gbk", "idna", "iso2022_jp", "iso8859_1", "iso8859_15", "iso8859_2", "iso8859_5", "iso8859_7", "iso8859_9",
    "koi8_r", "latin_1", "mac_roman", "shift_jis", "utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_7", "utf_8",
    "utf_8_sig",
)  # fmt: skip


def main(order: dict[str, Any]) -> None:
    """Carries out an order, inside its walls."""
    function = _loaded(order["paths"], order["function"])
    walls = _walls(int(order["memory"]), int(order["seconds"]))
    data = sys.stdin.buffer.read()
    answer = json.dumps({**_answer(function, data, order["options"]), "walls": walls}).encode()
    if len(answer) > order["output"]:
        answer = json.dumps({"failed": "output", "walls": walls}).encode()
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    os._exit(0)


def _loaded(paths: list[str], name: str) -> Callable[..., Any]:
    """The function, with all it needs: nothing can be imported afterwards."""
    sys.path.extend(path for path in paths if path not in sys.path)
    for codec in _CODECS:
        importlib.import_module(f"encodings.{codec}")
    module_name, _, function = name.partition(":")
    module = importlib.import_module(module_name)
    with contextlib.suppress(AttributeError):
        module.warm_up()
    loaded: Callable[..., Any] = getattr(module, function)
    return loaded


def _walls(memory: int, seconds: int) -> list[str]:
    """Puts up what the system allows, and names it; limits stand everywhere, the rest where the kernel has it."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    names = ["limits"]
    if libc.unshare(_NEW_NAMESPACES) == 0:
        names.append("namespaces")
    if _landlock(libc):
        names.append("landlock")
    spent = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, spent + seconds + 1))
    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),  # the three that are open: no file, socket or pipe can be opened any more
    ):
        resource.setrlimit(limit, (value, value))
    return names


def _landlock(libc: ctypes.CDLL) -> bool:
    """Denies every access to files, TCP, abstract sockets and signals that this kernel can deny."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = struct.pack("=QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_CREATE_RULESET, rules, ctypes.c_size_t(size), ctypes.c_uint32(0))
    if ruleset < 0:
        return False
    failed = libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    os.close(ruleset)
    return not failed


def _answer(function: Callable[..., Any], data: bytes, options: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": function(data, **options)}
    except MemoryError:
        return {"failed": "memory"}
    except RecursionError:
        return {"failed": "depth"}
    except Exception as error:  # noqa: BLE001 - whatever a parser raises over what a stranger made
        return {"failed": type(error).__name__}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
