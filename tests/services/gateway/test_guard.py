"""Pages of other sites, foreign names and large bodies against the guard, over httpx and over a bare socket."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from services.gateway.guard import Guard, content_policy
from tests.services.gateway.wire import raw, serving

LIMIT = 1000
OWN = "http://assistant.example"
JSON = {"Content-Type": "application/json"}


class Inner:
    """An application that reads what it gets and counts what reached it."""

    def __init__(self) -> None:
        self.reached, self.read = 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached += 1
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            self.read += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"done"})


@pytest.fixture
def inner() -> Inner:
    return Inner()


@pytest.fixture
def guard(inner: Inner) -> Guard:
    return Guard(
        inner,
        hosts=("127.0.0.1", "assistant.example", "named.example:8443", "https://Pasted.example/"),
        body_limit=LIMIT,
    )


@pytest.fixture
async def web(guard: Guard) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url=OWN) as client:
        yield client


def is_problem(answer: httpx.Response, status: int) -> bool:
    kind, body = answer.headers["content-type"], answer.json()
    return answer.status_code == status == body["status"] and kind == "application/problem+json" and bool(body["code"])


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:8080", "LocalHost:1", "127.0.0.1:8080", "192.168.7.20", "[::1]:8080", "[fd00::7]",
        "assistant.example", "assistant.example:443", "ASSISTANT.example.", "named.example:8443", "pasted.example",
    ],
)  # fmt: skip
async def test_a_name_of_this_house_and_any_address_is_answered(web: httpx.AsyncClient, host: str) -> None:
    assert (await web.get("/readyz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example", "rebound.example:8080", "localhost.rebound.example", "assistant.example.rebound.example",
        "xassistant.example", "127.0.0.1.rebound.example", "0177.0.0.1", "2130706433", "127.1", "named.example",
        "named.example:1", "127.0.0.1x", "[::1", "::1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/session", "/readyz"])
async def test_a_name_that_was_pointed_at_this_machine_is_refused(
    web: httpx.AsyncClient, inner: Inner, host: str, path: str
) -> None:
    answer = await web.get(path, headers={"Host": host})
    assert is_problem(answer, answer.status_code)
    assert answer.status_code in {400, 421}
    assert inner.reached == 0


async def test_the_refusal_of_a_name_says_how_to_allow_it(web: httpx.AsyncClient) -> None:
    answer = await web.get("/", headers={"Host": "nas.lan:8080"})
    assert is_problem(answer, 421)
    assert "OA_ALLOWED_HOSTS=nas.lan" in answer.json()["detail"]


@pytest.mark.parametrize("host", ["<script>", "a b", "user@assistant.example", "assistant.example/x", "a:b:c", ""])
async def test_a_host_that_is_no_name_is_refused_and_not_repeated(web: httpx.AsyncClient, host: str) -> None:
    answer = await web.get("/", headers={"Host": host})
    assert is_problem(answer, 400)
    assert not host or host not in answer.text


async def test_two_hosts_in_one_request_are_refused(guard: Guard, inner: Inner) -> None:
    async with serving(guard) as port:
        status, _ = await raw(port, "GET / HTTP/1.1", "Host: localhost", "Host: rebound.example")
    assert (status, inner.reached) == (400, 0)


async def test_a_request_without_a_host_is_refused(guard: Guard, inner: Inner) -> None:
    async with serving(guard) as port:
        status, _ = await raw(port, "GET / HTTP/1.0")
    assert (status, inner.reached) == (400, 0)


# --- other sites ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Same-Origin, cross-site", "new-kind"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"])
async def test_the_api_is_closed_to_pages_of_other_sites_whatever_the_method(
    web: httpx.AsyncClient, inner: Inner, method: str, site: str
) -> None:
    answer = await web.request(method, "/api/conversations", headers={"Sec-Fetch-Site": site, "Origin": OWN})
    assert (answer.status_code, inner.reached) == (403, 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_is_changed_from_another_site_outside_the_api_either(
    web: httpx.AsyncClient, inner: Inner, method: str
) -> None:
    answer = await web.request(method, "/", headers={"Sec-Fetch-Site": "cross-site"})
    assert is_problem(answer, 403)
    assert inner.reached == 0


async def test_a_link_on_another_site_may_open_a_page(web: httpx.AsyncClient) -> None:
    answer = await web.get("/c/1", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_our_own_page_and_the_address_bar_may_do_all(web: httpx.AsyncClient, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, **JSON}
    assert (await web.post("/api/session", headers=headers, content=b"{}")).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "https://assistant.example", "http://assistant.example:8080", "http://rebound.example",
        "http://assistant.example.rebound.example", "http://assistant.example@rebound.example", "assistant.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_foreign_origin_is_refused_where_the_browser_does_not_say_more(
    web: httpx.AsyncClient, inner: Inner, method: str, origin: str
) -> None:
    answer = await web.request(method, "/api/session", headers={"Origin": origin})
    assert is_problem(answer, 403)
    assert inner.reached == 0


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("assistant.example", OWN),
        ("assistant.example", "http://assistant.example:80"),
        ("assistant.example:80", OWN),
        ("Assistant.example", OWN),
        ("192.168.7.20:8080", "http://192.168.7.20:8080"),
    ],
)
async def test_the_own_origin_is_let_in_where_the_browser_does_not_say_more(
    web: httpx.AsyncClient, host: str, origin: str
) -> None:
    answer = await web.post("/api/session", headers={"Host": host, "Origin": origin, **JSON}, content=b"{}")
    assert answer.status_code == 200


async def test_another_port_of_this_machine_is_another_site(web: httpx.AsyncClient, inner: Inner) -> None:
    headers = {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:3000"}
    assert is_problem(await web.post("/api/session", headers=headers), 403)
    assert inner.reached == 0


async def test_two_origins_in_one_request_are_refused(guard: Guard, inner: Inner) -> None:
    async with serving(guard) as port:
        lines = (f"Host: 127.0.0.1:{port}", f"Origin: http://127.0.0.1:{port}", "Origin: http://rebound.example")
        status, _ = await raw(port, "POST /api/session HTTP/1.1", *lines)
    assert (status, inner.reached) == (403, 0)


async def test_a_program_without_a_browser_is_let_in(web: httpx.AsyncClient) -> None:
    assert (await web.post("/api/session", headers=JSON, content=b"{}")).status_code == 200


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""],
)
async def test_the_api_takes_json_alone(web: httpx.AsyncClient, inner: Inner, kind: str) -> None:
    answer = await web.post("/api/session", headers={"Content-Type": kind}, content=b'{"a": 1}')
    assert is_problem(answer, 415)
    assert inner.reached == 0


async def test_a_streamed_body_that_is_not_json_is_refused(web: httpx.AsyncClient, inner: Inner) -> None:
    assert is_problem(await web.post("/api/session", content=parts(1)), 415)
    assert inner.reached == 0


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_is_taken(web: httpx.AsyncClient, kind: str) -> None:
    assert (await web.post("/api/session", headers={"Content-Type": kind}, content=b"{}")).status_code == 200


async def test_no_body_needs_no_type(web: httpx.AsyncClient) -> None:
    assert (await web.post("/api/conversations/1/retry")).status_code == 200


async def test_a_body_that_says_it_is_too_large_is_not_read(web: httpx.AsyncClient, inner: Inner) -> None:
    answer = await web.post("/api/session", headers=JSON, content=b"x" * (LIMIT + 1))
    assert is_problem(answer, 413)
    assert inner.reached == 0


async def test_a_body_of_exactly_the_limit_is_taken(web: httpx.AsyncClient, inner: Inner) -> None:
    assert (await web.post("/api/session", headers=JSON, content=b"x" * LIMIT)).status_code == 200
    assert inner.read == LIMIT


async def test_a_body_of_untold_length_is_cut_where_it_grows_too_large(web: httpx.AsyncClient, inner: Inner) -> None:
    answer = await web.post("/api/session", headers=JSON, content=parts(20))
    assert is_problem(answer, 413)
    assert inner.read <= LIMIT


async def test_a_chunked_body_over_a_socket_is_cut_where_it_grows_too_large(guard: Guard, inner: Inner) -> None:
    lines = ("POST /api/session HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    body = b"".join(b"64\r\n" + b"x" * 100 + b"\r\n" for _ in range(50)) + b"0\r\n\r\n"
    async with serving(guard) as port:
        status, _ = await raw(port, *lines, "Transfer-Encoding: chunked", body=body)
    assert status == 413
    assert inner.read <= LIMIT


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "¹", "9" * 30])
async def test_a_length_that_is_no_number_is_refused(guard: Guard, length: str) -> None:
    answers: list[int] = []

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            answers.append(int(str(message["status"])))

    headers = [(b"host", b"localhost"), (b"content-length", length.encode("latin-1"))]
    scope = {"type": "http", "method": "POST", "path": "/api/session", "scheme": "http", "headers": headers}
    await guard(scope, _nothing, send)  # type: ignore[arg-type]  # a plain function is a sender too
    assert answers == [400]


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Host": "rebound.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_every_answer_carries_the_headers(web: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await web.get("/api/session", headers=headers)
    assert answer.headers["content-security-policy"] == content_policy()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert {"camera=()", "microphone=(self)"} <= set(answer.headers["permissions-policy"].split(", "))
    assert answer.headers["cache-control"] == "no-store"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_the_policy_opens_nothing_but_this_origin() -> None:
    rules = dict(rule.split(" ", 1) for rule in content_policy().split("; "))
    trusted = {"require-trusted-types-for": "'script'", "trusted-types": "svelte-trusted-html dompurify notices-worker"}
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("frame-ancestors") == "'none'"
    assert {name: rules.pop(name) for name in trusted} == trusted
    assert set(rules.values()) == {"'self'"}


async def test_the_browser_is_told_to_stay_with_tls_over_tls_alone(guard: Guard, web: httpx.AsyncClient) -> None:
    assert "strict-transport-security" not in (await web.get("/")).headers
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="https://assistant.example") as tls:
        assert "max-age=" in (await tls.get("/")).headers["strict-transport-security"]


async def test_what_the_application_says_about_caching_stands() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"no-cache")]})
        await send({"type": "http.response.body"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Guard(app)), base_url="http://localhost") as client:
        assert (await client.get("/")).headers.get_list("cache-control") == ["no-cache"]


async def test_an_event_arrives_before_the_next_one_exists() -> None:
    seen = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        await asyncio.wait_for(seen.wait(), 10)
        await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    async with (
        serving(Guard(app)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
        client.stream("GET", "/api/events") as answer,
    ):
        lines = answer.aiter_lines()
        assert await asyncio.wait_for(anext(lines), 10) == "data: 1"
        seen.set()
        assert [line async for line in lines if line] == ["data: 2"]


async def test_a_web_socket_is_closed(guard: Guard, inner: Inner) -> None:
    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    await guard({"type": "websocket", "path": "/api", "headers": []}, _nothing, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert inner.reached == 0


async def _nothing() -> dict[str, object]:
    return {"type": "http.request", "body": json.dumps({}).encode()}


async def parts(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 100
