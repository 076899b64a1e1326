"""A model file of the owner's own, run in a process of its own: the only importer of xllamacpp, and only there.

The engine is llama.cpp with its own HTTP server, which speaks OpenAI's protocol. It listens on loopback alone, at low
priority, with one core left to the house; threads that wait sleep, for beside other work spinning ones starve.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import signal
import struct
from pathlib import Path

from openassistant.errors import Internal

__all__ = ["NAME", "require", "serve"]

NAME = "model"
"""The process's name, in the log and beside the rooms."""

_ENGINE = "xllamacpp"
_NICENESS = 10
_GIB = 1 << 30
_OVERHEAD = _GIB // 2
"""What a model takes beside its weights, at least: its context, buffers, the engine."""
_CACHE_MIB = 256
_HTTP_THREADS = 4
_ERRORS_ALONE = 1
"""The engine's verbosity; from warnings on it quotes what a model wrote, and logs hold no content."""


def require(file: Path) -> None:
    """Raises `Internal` that says what is in the way of running this file, and what to do about it."""
    if importlib.util.find_spec(_ENGINE) is None:
        raise Internal("OA_LOCAL_MODEL_FILE needs a package that is not installed. Install it with: make local")
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
        size = file.stat().st_size
    except OSError as error:
        raise Internal(f"OA_LOCAL_MODEL_FILE: {file} cannot be read ({error.strerror}).") from error
    if len(head) < 8 or head[:4] != b"GGUF" or struct.unpack("<I", head[4:])[0] not in (2, 3):
        raise Internal(f"OA_LOCAL_MODEL_FILE: {file.name} is not a GGUF file (version 2 or 3).")
    needed, free = size + _OVERHEAD, _free_memory()
    if free is not None and free < needed:
        raise Internal(
            f"OA_LOCAL_MODEL_FILE: {file.name} needs about {needed / _GIB:.1f} GB of memory, and {free / _GIB:.1f} GB "
            "are free. Close something else, or take a smaller model."
        )


def serve(file: Path, *, listen: str, window: int) -> int:
    """Serves the model at host:port until a signal ends the process; raises `Internal` where it cannot be loaded."""
    require(file)
    os.nice(_NICENESS)
    engine = importlib.import_module(_ENGINE)
    host, port = listen.rsplit(":", 1)
    params = engine.CommonParams()
    params.model.path, params.model_alias = str(file), {file.stem}
    params.hostnames, params.port, params.n_threads_http = [host], int(port), _HTTP_THREADS
    params.cors_origins, params.ui = "", False
    params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    params.n_ctx, params.n_parallel, params.cache_ram_mib = window, 1, _CACHE_MIB
    params.verbosity, params.offline, params.use_jinja = _ERRORS_ALONE, True, True
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads, threads.poll = max(1, (os.cpu_count() or 2) - 1), 0
    try:
        server = engine.Server(params)
    except RuntimeError as error:
        raise Internal(f"{file.name} cannot be loaded: is it complete, and a language model?") from error
    while server.listening_address:
        signal.pause()
    return 1


def _free_memory() -> int | None:
    """Bytes that can be had without swapping; None where the system does not say (proc_meminfo(5))."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return int(found.split()[1]) * 1024 if found else None
