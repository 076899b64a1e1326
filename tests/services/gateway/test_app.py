"""The whole application without other rooms: the form of errors, the web UI's files, the OpenAPI document."""

import base64
import gzip
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from openassistant.errors import Internal, InvalidRequest, RateLimited
from services.gateway import openapi, settings, views
from services.gateway.app import create_app
from services.gateway.gateway import Gateway
from services.gateway.guard import BODY_LIMIT
from tests.services.gateway.wire import raw, serving

PLANTED = "obviously-fake-password-7c1f"
BUILT = Path(settings.__file__).parent / "web" / "build"
INLINE = "\n  { start('é'); }\n"
PAGE = f'<!doctype html><script src="/theme.js"></script><body><script>{INLINE}</script></body>'
SCRIPT = "export const words = 'built';\n" * 100


class Sessions:
    """Sign-in that does what a test says."""

    def __init__(self) -> None:
        self.outcome: BaseException | None = None

    async def sign_in(self, username: str, password: str, **_: Any) -> None:
        if self.outcome:
            raise self.outcome


class Setup:
    """A house that nobody has set up."""

    async def is_open(self) -> bool:
        return True


@pytest.fixture
def sessions() -> Sessions:
    return Sessions()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A web build as `make web` leaves it, with a secret beside it."""
    files = {
        "web/index.html": PAGE,
        "web/theme.js": "document.title = 'theme';",
        "web/.sources": PLANTED,
        "web/_app/version.json": '{"version":"1"}',
        "web/_app/immutable/entry/start.Ab12.js": SCRIPT,
        "secret.txt": PLANTED,
        "website/secret.txt": PLANTED,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "web" / "linked.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "web"


@pytest.fixture
def app(sessions: Sessions, folder: Path) -> FastAPI:
    room = settings.GatewaySettings(
        nkey_file=folder / "none", data_dir=folder / "none", signing_key_file=folder / "none", web_dir=folder,
        allowed_hosts=("assistant.example",),
    )  # fmt: skip
    return create_app(cast(Gateway, SimpleNamespace(sessions=sessions, setup=Setup())), room)


@pytest.fixture
async def web(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080") as client:
        yield client


def problem(answer: httpx.Response, status: int) -> views.Problem:
    """The problem in an answer, in the one form that every error has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "content-security-policy" in answer.headers
    found = views.Problem.model_validate(answer.json())
    assert found.status == status
    assert found.title
    assert found.detail
    return found


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {"username": "ada", "password": [PLANTED]},
        {"username": "ada", "password": {"value": PLANTED}},
        {"username": "ada", "password": PLANTED * 100},
        {"username": [PLANTED], "password": PLANTED},
        {"password": PLANTED},
        [PLANTED],
        PLANTED,
    ],
)
async def test_a_form_that_is_wrong_is_named_by_its_fields_and_never_repeated(
    web: httpx.AsyncClient, sent: object
) -> None:
    answer = await web.post("/api/session", json=sent)
    assert problem(answer, 422).fields
    assert PLANTED not in answer.text


async def test_a_wrong_password_field_is_named(web: httpx.AsyncClient) -> None:
    answer = await web.post("/api/session", json={"username": "ada", "password": ""})
    assert list(problem(answer, 422).fields or ()) == ["password"]


@pytest.mark.parametrize("body", [b'{"password": "' + PLANTED.encode(), b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_not_json_is_refused_and_never_repeated(web: httpx.AsyncClient, body: bytes) -> None:
    answer = await web.post("/api/session", content=body, headers={"Content-Type": "application/json"})
    assert problem(answer, 400).code == "invalid_request"
    assert PLANTED not in answer.text


async def test_an_error_of_ours_keeps_its_code_its_words_and_its_wait(
    web: httpx.AsyncClient, sessions: Sessions
) -> None:
    sessions.outcome = RateLimited("Too many failed sign-ins.", retry_after=7.2)
    answer = await web.post("/api/session", json={"username": "ada", "password": PLANTED})
    found = problem(answer, 429)
    assert (found.code, found.detail, found.action) == ("rate_limited", "Too many failed sign-ins.", "retry")
    assert answer.headers["retry-after"] == "7"


async def test_details_of_an_error_that_are_for_nobody_stay_inside(web: httpx.AsyncClient, sessions: Sessions) -> None:
    sessions.outcome = InvalidRequest("Not so.", details={"fields": {"username": "Shorter."}, "trace": PLANTED})
    answer = await web.post("/api/session", json={"username": "ada", "password": "x"})
    assert problem(answer, 422).fields == {"username": "Shorter."}
    assert PLANTED not in answer.text


@pytest.mark.parametrize(
    "error",
    [ValueError(PLANTED), KeyError(PLANTED), OSError(5, PLANTED), ExceptionGroup(PLANTED, [ValueError(PLANTED)])],
)
async def test_a_fault_that_nobody_expected_is_told_without_its_words(
    web: httpx.AsyncClient, sessions: Sessions, error: Exception
) -> None:
    sessions.outcome = error
    answer = await web.post("/api/session", json={"username": "ada", "password": "x"})
    assert problem(answer, 500).code == "internal"
    assert PLANTED not in answer.text


@pytest.mark.parametrize("error", [ValueError(PLANTED), Internal("A fault.")])
async def test_a_fault_is_written_down_once_by_its_route(
    web: httpx.AsyncClient, sessions: Sessions, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    sessions.outcome = error
    with caplog.at_level(logging.ERROR):
        await web.post("/api/session?next=" + PLANTED, json={"username": "ada", "password": PLANTED})
    (written,) = caplog.records
    assert (written.getMessage(), vars(written)["route"]) == ("request failed", "/api/session")
    assert written.exc_info is not None
    assert written.exc_info[1] is error


async def test_an_error_of_ours_that_is_no_fault_is_not_written_down(
    web: httpx.AsyncClient, sessions: Sessions, caplog: pytest.LogCaptureFixture
) -> None:
    sessions.outcome = InvalidRequest("No.")
    await web.post("/api/session", json={"username": "ada", "password": "x"})
    assert not [each for each in caplog.records if each.name.startswith("openassistant")]


async def test_nobody_who_is_not_signed_in_sees_anything(app: FastAPI, web: httpx.AsyncClient) -> None:
    open_to_all = {"/healthz", "/readyz", "/api/setup", "/api/openapi.json", "/api/house", "/api/openid"}
    document = app.openapi()["paths"]
    ours = [path for path in document if path.startswith("/api/")]
    closed = [path for path in ours if "get" in document[path] and path not in open_to_all]
    answers = [await web.get(re.sub(r"\{\w+\}", "a" * 32, path)) for path in closed]
    assert {(each.status_code, each.json()["action"]) for each in answers} == {(401, "sign_in")}
    assert len(closed) > 8


async def test_an_unknown_address_of_the_api_is_a_problem_and_no_page(app: FastAPI) -> None:
    paths = ("/api", "/api/", "/api/nothing", "/api/session/", "/api/../api/x", "/api/%2e%2e/index.html")
    asked = [f"{method} {path} HTTP/1.1" for path in paths for method in ("GET", "POST", "DELETE")]
    async with serving(app) as port:
        answers = [await raw(port, line, "Host: localhost") for line in asked]
    assert [status for status, _ in answers] == [404] * len(asked)
    assert all("application/problem+json" in answer for _, answer in answers)


async def test_a_wrong_method_is_told_with_the_right_ones(web: httpx.AsyncClient) -> None:
    answer = await web.delete("/api/setup")
    assert problem(answer, 405).code == "method_not_allowed"
    assert answer.headers["allow"]


async def test_a_body_beyond_the_limit_is_cut_before_it_is_parsed(web: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b" " * 65536

    answer = await web.post("/api/session", content=endless(), headers={"Content-Type": "application/json"})
    assert problem(answer, 413).code == "too_large"


async def test_a_stream_that_breaks_is_cut_and_not_ended(app: FastAPI) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise ValueError(PLANTED)

    @app.get("/half")
    async def broken() -> StreamingResponse:
        return StreamingResponse(half(), media_type="text/event-stream")

    async with serving(app) as port:
        _, answer = await raw(port, "GET /half HTTP/1.1", "Host: localhost")
    assert "data: 1" in answer
    assert not answer.endswith("0\r\n\r\n")
    assert PLANTED not in answer


# --- the web UI -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/c/1", "/setup", "/audit/deep/er", "/apiary", "//api/session", "/readyz/"]
)
async def test_every_address_of_the_ui_is_its_page(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get("http://127.0.0.1:8080" + path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_policy_lets_exactly_the_inline_script_of_the_page_run(web: httpx.AsyncClient) -> None:
    answer = await web.get("/")
    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_the_policy_follows_a_page_that_is_built_anew(web: httpx.AsyncClient, folder: Path) -> None:
    before = (await web.get("/")).headers["content-security-policy"]
    (folder / "index.html").write_text(PAGE.replace("start(", "begin("))
    assert (await web.get("/")).headers["content-security-policy"] != before


@pytest.mark.skipif(not (BUILT / "index.html").exists(), reason="the web UI is not built here (make web)")
async def test_the_built_page_carries_its_own_hash(app: FastAPI) -> None:
    page = (BUILT / "index.html").read_text()
    inline = page.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    room = settings.GatewaySettings(nkey_file=BUILT, data_dir=BUILT, signing_key_file=BUILT, web_dir=BUILT)
    app = create_app(cast(Gateway, SimpleNamespace()), room)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.get("/")
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


async def test_files_with_a_digest_in_their_name_are_kept_and_others_asked_for(web: httpx.AsyncClient) -> None:
    hashed = await web.get("/_app/immutable/entry/start.Ab12.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in hashed.headers["content-type"]
    assert (await web.get("/theme.js")).headers["cache-control"] == "no-cache"
    assert (await web.get("/_app/version.json")).headers["cache-control"] == "no-cache"


async def test_a_file_that_has_not_changed_is_not_sent_again(web: httpx.AsyncClient) -> None:
    first = await web.get("/theme.js")
    again = await web.get("/theme.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_scripts_are_packed_for_who_takes_it_packed(app: FastAPI) -> None:
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://localhost:{port}", trust_env=False) as client:
        request = client.build_request("GET", "/_app/immutable/entry/start.Ab12.js")
        answer = await client.send(request, stream=True)
        packed = b"".join([part async for part in answer.aiter_raw()])
        await answer.aclose()
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed).decode() == SCRIPT


@pytest.mark.parametrize("path", ["/_app/immutable/entry/start.Old1.js", "/_app/none.json"])
async def test_a_script_of_a_former_build_is_missing_and_no_page(web: httpx.AsyncClient, path: str) -> None:
    assert problem(await web.get(path), 404).code == "not_found"


async def test_nothing_outside_the_build_and_nothing_hidden_is_served(app: FastAPI) -> None:
    paths = (
        "/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/_app/../../secret.txt", "/../website/secret.txt",
        "/_app/immutable/../../../secret.txt", "/..%5csecret.txt", "//secret.txt", "/linked.txt", "/.sources",
        "/%2esources", "/_app/..%2f.sources", "/theme.js%00.txt", "/" + "a" * 5000, "/" + "a/" * 3000,
    )  # fmt: skip
    async with serving(app) as port:
        answers = [await raw(port, f"GET {path} HTTP/1.1", "Host: localhost") for path in paths]
    assert {status for status, _ in answers} <= {200, 404}
    assert not [answer for _, answer in answers if PLANTED in answer]


async def test_an_absolute_path_leads_nowhere_else(app: FastAPI, folder: Path) -> None:
    secret = folder.parent / "secret.txt"
    async with serving(app) as port:
        _, answer = await raw(port, f"GET /{secret} HTTP/1.1", "Host: localhost")
    assert PLANTED not in answer


async def test_a_page_takes_no_post(web: httpx.AsyncClient) -> None:
    assert problem(await web.post("/"), 405).code == "method_not_allowed"


async def test_a_house_without_a_built_ui_says_what_to_run(web: httpx.AsyncClient, folder: Path) -> None:
    (folder / "index.html").unlink()
    answer = await web.get("/")
    assert answer.status_code == 503
    assert "make web" in answer.text
    assert (await web.get("/api/setup")).json() == {"state": "open"}


async def test_a_foreign_name_gets_not_even_a_page(web: httpx.AsyncClient) -> None:
    problem(await web.get("/", headers={"Host": "rebound.example"}), 421)
    assert (await web.get("/", headers={"Host": "assistant.example"})).status_code == 200


# --- the document ---------------------------------------------------------------------------------------------------


def operations(app: FastAPI) -> list[dict[str, Any]]:
    paths = app.openapi()["paths"]
    return [operation for path in paths if not path.startswith("/v1/") for operation in paths[path].values()]


def test_every_operation_documents_its_errors_as_problems(app: FastAPI) -> None:
    ref = {"$ref": "#/components/schemas/Problem"}
    found = [operation["responses"]["default"]["content"] for operation in operations(app)]
    assert found == [{"application/problem+json": {"schema": ref}}] * len(found)
    assert not [operation for operation in operations(app) if "422" in operation["responses"]]
    assert not {"HTTPValidationError", "ValidationError"} & set(app.openapi()["components"]["schemas"])


def test_every_operation_has_words_and_a_name_of_its_own(app: FastAPI) -> None:
    assert all(operation["description"] for operation in operations(app))
    names = [operation["operationId"] for operation in operations(app)]
    assert len(set(names)) == len(names)


async def test_the_document_is_served_where_no_page_of_elsewhere_reads_it(web: httpx.AsyncClient, app: FastAPI) -> None:
    assert (await web.get("/api/openapi.json")).json() == app.openapi()
    problem(await web.get("/api/openapi.json", headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert (await web.get("/docs")).text == PAGE


def test_the_committed_document_is_the_one_of_these_routes(app: FastAPI, capsys: pytest.CaptureFixture[str]) -> None:
    assert openapi.main(["--check"]) == 0, capsys.readouterr().err
    assert json.loads(openapi.document()) == app.openapi()


def test_a_stale_document_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(openapi, "DOCUMENT", tmp_path / "openapi.json")
    assert openapi.main(["--check"]) == 1
    assert openapi.main(["--write"]) == 0
    assert openapi.main(["--check"]) == 0
    assert "make api" in capsys.readouterr().err
