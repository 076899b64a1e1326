"""Certificates of an authority at home: refused, until the house names it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from openassistant.errors import Internal
from openassistant.tls import believe, client_context
from tests.peers.certificates import Authority
from tests.sdk.web import Web, answer, serve


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def web(authority: Authority) -> AsyncIterator[Web]:
    async with serve(tls=authority.good().context()) as web:
        web.say("/", answer(body=b"hello"))
        yield web
    believe(None)


async def asked(web: Web, context: ssl.SSLContext) -> str:
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        return (await client.get(web.url(scheme="https"))).text


@pytest.mark.parametrize("system", [False, True])
async def test_an_authority_at_home_is_believed_once_it_is_named(
    web: Web, authority: Authority, *, system: bool
) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await asked(web, client_context(system=system))
    believe(authority.ca_file)
    assert await asked(web, client_context(system=system)) == "hello"
    public = len(client_context(system=system).get_ca_certs())
    believe(None)
    assert len(client_context(system=system).get_ca_certs()) == public - 1
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await asked(web, client_context(system=system))


async def test_a_name_that_is_not_in_the_certificate_is_refused_all_the_same(authority: Authority) -> None:
    believe(authority.ca_file)
    try:
        async with serve(tls=authority.misnamed().context()) as web:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await asked(web, client_context())
    finally:
        believe(None)


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_file_that_holds_no_authority_is_said_by_name(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "home.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Internal, match=r"OA_CA_FILE cannot be used: .*home\.pem"):
        believe(file)
