"""The settings of the one-command run, and the environments of the processes it starts."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["with_path"]


def with_path(folder: Path) -> dict[str, str]:
    """This process's environment with `folder` before the other places of programs."""
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
