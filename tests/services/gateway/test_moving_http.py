"""An archive over HTTP: fetched from any byte, sent in parts, by whoever is signed in alone."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from services.gateway.app import create_app
from services.gateway.gateway import Gateway
from services.gateway.problems import SignInRequired
from services.gateway.sessions import SignedIn
from services.gateway.settings import GatewaySettings
from tests.services.gateway.movers import PASSWORD, Movers, archive
from tests.services.gateway.wire import serving

BYTES = {"Content-Type": "application/octet-stream"}
A = "a" * 32


class Sessions:
    """Bob is signed in by the word `bob`, and nobody else."""

    def __init__(self, bob: SignedIn) -> None:
        self._bob = bob

    async def find(self, token: str) -> SignedIn:
        if token != "bob":
            raise SignInRequired("Please sign in.")
        return self._bob


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Movers]:
    async with Movers(tmp_path) as made:
        yield made


@pytest.fixture
async def web(house: Movers, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    room = GatewaySettings(nkey_file=tmp_path, data_dir=tmp_path, signing_key_file=tmp_path, web_dir=tmp_path)
    parts = SimpleNamespace(moving=house.moving, sessions=Sessions(house.bob))
    async with serving(create_app(cast(Gateway, parts), room)) as port:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(
            base_url=address, cookies={"oa": "bob"}, headers={"Origin": address}, timeout=60
        ) as web:
            yield web


async def made(house: Movers, web: httpx.AsyncClient, **draft: str) -> dict[str, Any]:
    """An archive that is ready, as the API shows it."""
    house.files["post"] = {"a.eml": bytes(range(256)) * 300}
    begun = await web.post("/api/data/export", json={"password": PASSWORD, **draft})
    assert (begun.status_code, begun.json()["state"]) == (202, "working")
    await house.made()
    found: dict[str, Any] = (await web.get("/api/data/export")).json()
    return found


async def test_a_download_is_whole_or_goes_on_from_any_byte(house: Movers, web: httpx.AsyncClient) -> None:
    export = await made(house, web)
    path, size = f"/api/data/export/{export['id']}/archive", export["size"]
    whole = await web.get(path)
    assert (whole.status_code, len(whole.content), whole.headers["accept-ranges"]) == (200, size, "bytes")
    assert whole.headers["content-type"] == "application/zip"
    assert whole.headers["content-disposition"].endswith('.zip"')
    assert zipfile.ZipFile(io.BytesIO(whole.content)).testzip() is None
    tag = whole.headers["etag"]
    for given, start, end in (
        ("bytes=0-0", 0, 1), ("bytes=100-", 100, size), ("bytes=-10", size - 10, size),
        (f"bytes=5-{size * 2}", 5, size), (f"bytes=-{size * 2}", 0, size),
    ):  # fmt: skip
        part = await web.get(path, headers={"Range": given, "If-Range": tag})
        assert (part.status_code, part.content) == (206, whole.content[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for given in ("bytes=5-4", "bytes=-", "bytes=0-1,3-4", "lines=0-1"):
        assert (await web.get(path, headers={"Range": given})).status_code == 200
    other = await web.get(path, headers={"Range": "bytes=1-2", "If-Range": '"another"'})
    assert (other.status_code, len(other.content)) == (200, size)
    beyond = await web.get(path, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    assert (await web.get("/api/data/export")).json()["fetched"]


async def test_an_encrypted_archive_is_named_as_one(house: Movers, web: httpx.AsyncClient) -> None:
    export = await made(house, web, passphrase="not a real phrase")
    part = await web.get(f"/api/data/export/{export['id']}/archive", headers={"Range": "bytes=0-20"})
    assert part.content == b"age-encryption.org/v1"
    assert part.headers["content-disposition"].endswith('.zip.age"')


async def test_an_archive_is_sent_in_parts_and_taken_in(house: Movers, web: httpx.AsyncClient) -> None:
    assert (await web.get("/api/data/import")).json() is None
    body = archive({f"agent/conversations/{A}.json": b'{"id": "x"}'})
    sent = await web.post("/api/data/import", json={"size": len(body)})
    assert (sent.status_code, sent.json()["state"]) == (201, "arriving")
    path = f"/api/data/import/{sent.json()['id']}"
    for at in range(0, len(body), 100):
        part = await web.put(f"{path}/content", params={"offset": at}, content=body[at : at + 100], headers=BYTES)
        assert part.json()["received"] == min(at + 100, len(body))
    assert (await web.post(f"{path}/start", json={})).status_code == 202
    await house.brought()
    done = (await web.get("/api/data/import")).json()
    assert (done["state"], done["kind"]) == ("done", "archive")
    assert (await web.delete(path)).status_code == 204
    assert (await web.get("/api/data/import")).json() is None


async def test_a_part_is_bytes_and_bounded_and_every_other_body_is_json(house: Movers, web: httpx.AsyncClient) -> None:
    sent = (await web.post("/api/data/import", json={"size": 5_000_000})).json()
    path = f"/api/data/import/{sent['id']}"
    large = await web.put(f"{path}/content?offset=0", content=bytes(1024 * 1024 + 1), headers=BYTES)
    assert (large.status_code, "1,048,576" in large.json()["detail"]) == (413, True)
    assert (await web.put(f"{path}/content?offset=0", content=bytes(3 * 1024 * 1024), headers=BYTES)).status_code == 413
    assert (await web.put(f"{path}/content?offset=0", json={})).status_code == 415
    assert (await web.post(f"{path}/start", content=b"{}", headers=BYTES)).status_code == 415
    gap = await web.put(f"{path}/content?offset=9", content=b"x", headers=BYTES)
    assert (gap.status_code, gap.json()["code"]) == (409, "conflict")
    foreign = await web.put(
        f"{path}/content?offset=0", content=b"x", headers={**BYTES, "Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403


async def test_nobody_but_its_owner_reaches_an_archive(house: Movers, web: httpx.AsyncClient) -> None:
    export = await made(house, web)
    web.cookies.clear()
    for method, path in (
        ("GET", "/api/data/export"), ("POST", "/api/data/export"), ("GET", "/api/data/import"),
        ("GET", f"/api/data/export/{export['id']}/archive"), ("DELETE", f"/api/data/export/{export['id']}"),
        ("POST", "/api/data/import"),
    ):  # fmt: skip
        body = {"password": PASSWORD, "size": 1} if method == "POST" else None
        assert (await web.request(method, path, json=body)).status_code == 401
    web.cookies.set("oa", "bob")
    assert (await web.get("/api/data/export/nothing/archive")).status_code == 422
    assert (await web.get(f"/api/data/export/{A}/archive")).status_code == 404
