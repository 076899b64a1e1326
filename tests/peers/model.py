"""A scripted OpenAI-compatible endpoint: `/v1/models` and `/v1/chat/completions`, streamed or not.

In process:    `with ModelServer(load_script("story")) as model: ... model.url ... model.requests`
As a program:  `python -m tests.peers.model --port 0 --script story.json` prints its address as one JSON line.

It speaks HTTP/1.1 by hand, so that it can break off, babble and stay silent as no web framework would, and needs
nothing but the standard library. From outside the process the test drives it over `/_peer/`: GET `requests` (all
bodies seen) or `requests/last`, PUT `script` (replace the script), DELETE `requests`; and whatever `extra` adds.
"""

import argparse
import asyncio
import json
import re
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.peers.process import LOOPBACK, Lifespan, LoopThread, PeerError, close_server, wait_until
from tests.peers.script import Ask, Fault, Manner, Script, Step, ToolCall, fill, load_script, prose

__all__ = ["ModelServer", "Seen"]

_REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
_PROBES = {
    r"tide in Lisbon": ToolCall("tide_lookup", {"harbour": "Lisbon"}),
    r"timer of 7 minutes": ToolCall("egg_timer_start", {"minutes": 7}),
    r"tide in Bergen": ToolCall("tide_lookup", {"harbour": "Bergen"}),
}
"""What the agent asks a model to learn how it calls tools; answered without the script."""
_LONGEST_ENDING = 60.0
_TYPES = {429: "rate_limit_error", 401: "invalid_request_error", 400: "invalid_request_error"}


@dataclass(frozen=True)
class Seen:
    """One recorded request: method, path, headers (lower case) and the body as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def ask(self) -> Ask:
        """The chat request, for its questions (`offered`, `results`, …)."""
        return Ask(json.loads(self.content))


class ModelServer(Lifespan):
    """A model whose every answer stands in a script.

    `name` is the model it offers, `api_key` the key it demands (None: any or none), `manner` how it calls tools.
    `extra` adds GET paths under `/_peer/`, each with a function that gives the JSON to answer. `abandoned` counts the
    answers that a client did not wait for, `probes` the questions about its tools (with `answers_probes` off, the
    script answers them, too).
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        name: str = "scripted",
        api_key: str | None = None,
        manner: Manner | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        extra: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self.name = name
        self.api_key = api_key
        self.host = host
        self.port = port
        self.manner = manner or Manner()
        self.abandoned = 0
        self.probes = 0
        self.answers_probes = True
        self._postponed: list[ToolCall] = []
        self._extra = dict(extra or {})
        self._lock = threading.Lock()
        self._seen: list[Seen] = []
        self._unmatched: list[Seen] = []
        self._script = script or Script()
        self._served: dict[int, int] = {}
        self._thread: LoopThread | None = None
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL that a client is given."""
        return f"http://{self.host}:{self.port}/v1"

    @property
    def script(self) -> Script:
        """What it plays; a new script begins at its first step."""
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        with self._lock:
            self._script, self._served = script, {}

    @property
    def requests(self) -> tuple[Seen, ...]:
        """Every chat request so far, oldest first."""
        with self._lock:
            return tuple(self._seen)

    @property
    def unmatched(self) -> tuple[Seen, ...]:
        """The requests that no step of the script fitted."""
        with self._lock:
            return tuple(self._unmatched)

    def forget(self) -> None:
        """Drop the recorded requests; the script goes on where it is."""
        with self._lock:
            self._seen.clear()
            self._unmatched.clear()

    def wait_for(self, count: int, *, seconds: float = 10.0) -> tuple[Seen, ...]:
        """The requests, once there are at least `count`; `PeerError` after `seconds`."""
        if not wait_until(lambda: len(self.requests) >= count, seconds=seconds):
            raise PeerError(f"{len(self.requests)} of {count} requests came within {seconds} s")
        return self.requests

    def holds(self, text: str) -> bool:
        """Whether a text (a secret) was in any request, in its headers or its body."""
        return any(
            text.encode() in seen.content or text in json.dumps(seen.ask.body, ensure_ascii=False)
            or any(text in value for value in seen.headers.values())
            for seen in self.requests
        )  # fmt: skip

    def start(self) -> None:
        """Listen, on a port of the system's choice unless one was given."""
        self._thread = LoopThread("model peer")
        self._thread.start()
        self._server = self._thread.run(asyncio.start_server(self._client, self.host, self.port, limit=1 << 26))
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close the port and every connection; what was recorded stays readable."""
        thread, self._thread = self._thread, None
        if thread is not None:
            if self._server is not None:
                thread.run(close_server(self._server))
            thread.stop()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while seen := await _receive(reader):
                await self._answer(seen, _Reply(reader, writer))
        except _Cut as cut:
            if cut.nothing_sent:  # a reset takes with it what the client has not read yet
                writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.abandoned += 1
        finally:
            writer.close()

    async def _answer(self, seen: Seen, reply: "_Reply") -> None:
        if seen.path.startswith("/_peer/"):
            await self._control(seen, reply)
        elif self.api_key is not None and seen.headers.get("authorization") != f"Bearer {self.api_key}":
            await reply.problem(401, "Incorrect API key provided.")
        elif (seen.method, seen.path) == ("GET", "/v1/models"):
            card = {"id": self.name, "object": "model", "created": 1_760_000_000, "owned_by": "peer"}
            await reply.json(200, {"object": "list", "data": [card]})
        elif (seen.method, seen.path) == ("POST", "/v1/chat/completions"):
            await self._chat(seen, reply)
        else:
            await reply.problem(404, f"There is no {seen.method} {seen.path}.")

    async def _chat(self, seen: Seen, reply: "_Reply") -> None:
        ask = seen.ask
        if ask.body.get("model") != self.name:
            await reply.problem(404, f"The model {ask.body.get('model')!r} does not exist.")
        elif refusal := _refusal(ask, self.manner):
            await reply.problem(400, refusal)
        elif self.answers_probes and (probe := _probed(ask)):
            self.probes += 1
            await _play(_Answer(probe, ask, self.name, self.manner), Fault("none"), reply)
        elif (step := self._take(seen, ask)) is None:
            await reply.problem(400, "No step of the script fits this request.")
        else:
            await self._play(seen, step, reply)

    async def _play(self, seen: Seen, step: Step, reply: "_Reply") -> None:
        try:
            answer = _Answer(self._one_by_one(step, seen.ask), seen.ask, self.name, self.manner)
        except LookupError as error:
            self._unmatched.append(seen)
            await reply.problem(400, f"The script cannot go on: {error}")
        else:
            await _play(answer, step.fault or Fault("none"), reply)

    def _one_by_one(self, step: Step, ask: Ask) -> Step:
        """Of several calls of a step, held to a schema, the first; the others follow its result."""
        if ask.schema is None or self.manner.schema != "held" or len(step.calls) < 2:
            return step
        first, *self._postponed = step.calls
        return replace(step, calls=[first])

    def _take(self, seen: Seen, ask: Ask) -> Step | None:
        with self._lock:
            self._seen.append(seen)
            if self._postponed and ask.fresh:
                return Step(calls=[self._postponed.pop(0)])
            for place, step in enumerate(self._script.steps):
                used = self._served.get(place, 0)
                if (step.limit is None or used < step.limit) and (step.when is None or step.when(ask)):
                    self._served[place] = used + 1
                    return step
            if self._script.otherwise is None:
                self._unmatched.append(seen)
            return self._script.otherwise

    async def _control(self, seen: Seen, reply: "_Reply") -> None:
        match seen.method, seen.path.removeprefix("/_peer/"):
            case "GET", "requests":
                await reply.json(200, [each.ask.body for each in self.requests])
            case "GET", "requests/last":
                await reply.json(200, [each.ask.body for each in self.requests[-1:]])
            case "DELETE", "requests":
                self.forget()
                await reply.json(200, {})
            case "PUT", "script":
                self.script = Script.read(json.loads(seen.content))
                await reply.json(200, {})
            case "GET", name if name in self._extra:
                await reply.json(200, await asyncio.to_thread(self._extra[name]))
            case _:
                await reply.problem(404, f"There is no {seen.method} {seen.path}.")


class _Answer:
    """A step made concrete for one request, in the shapes of the wire."""

    def __init__(self, step: Step, ask: Ask, model: str, manner: Manner) -> None:
        self.step = step
        self.streamed = bool(ask.body.get("stream"))
        self._counted = bool((ask.body.get("stream_options") or {}).get("include_usage"))
        self._envelope = {"id": f"chatcmpl-{secrets.token_hex(8)}", "created": int(time.time()), "model": model}
        self._words = prose(step.prose) if step.prose else _pieces(str(fill(step.say, ask)))
        self._calls: list[dict[str, Any]] = [_call(call, ask) for call in step.calls]
        if ask.schema is not None and manner.schema == "held":
            self._words, self._calls = _slices(_held(self._words, self._calls), 5), []
        elif manner.tools != "called" or ask.offered_as_text:
            self._words, self._calls = [*self._words, *_slices(_written(self._calls, manner.writes), 5)], []
        self._usage = _usage(step, ask, len(self._words))

    def whole(self) -> dict[str, Any]:
        """The answer as one object."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._words) or None}
        if self._calls:
            message["tool_calls"] = self._calls
        choice = {"index": 0, "message": message, "finish_reason": self._end()}
        return {**self._envelope, "object": "chat.completion", "choices": [choice], "usage": self._usage}

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The answer as chunks: role, words, calls (name first, then the arguments in pieces), end, usage."""
        yield self._chunk({"role": "assistant", "content": ""})
        for word in self._words:
            yield self._chunk({"content": word})
        for index, call in enumerate(self._calls):
            function = call["function"]
            head = {**call, "index": index, "function": {"name": function["name"], "arguments": ""}}
            yield self._chunk({"tool_calls": [head]})
            for piece in _slices(function["arguments"], 9):
                yield self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield self._chunk({}, self._end())
        if self._counted:
            yield {**self._envelope, "object": "chat.completion.chunk", "choices": [], "usage": self._usage}

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**self._envelope, "object": "chat.completion.chunk", "choices": [choice]}

    def _end(self) -> str:
        return "tool_calls" if self._calls else "stop"


async def _play(answer: _Answer, fault: Fault, reply: "_Reply") -> None:
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    if fault.kind == "silent":
        await reply.silence()
    elif fault.kind == "status":
        await reply.problem(fault.status, "As the script says.", retry_after=fault.retry_after, body=fault.body)
    elif answer.streamed:
        await _stream(answer, fault, reply)
    elif fault.kind == "cut":
        raise _Cut(nothing_sent=True)
    else:
        await reply.json(200, answer.whole())


async def _stream(answer: _Answer, fault: Fault, reply: "_Reply") -> None:
    await reply.begin_stream()
    for place, chunk in enumerate(answer.chunks()):
        if fault.kind == "cut" and place >= fault.after:
            raise _Cut(nothing_sent=place == 0)
        if fault.kind == "rubbish" and place >= fault.after:
            await reply.rubbish()
            return
        if answer.step.ending and any(choice["finish_reason"] for choice in chunk["choices"]):
            await asyncio.to_thread(answer.step.ending.wait, _LONGEST_ENDING)
        await reply.chunk(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode())
        if answer.step.delay:
            await asyncio.sleep(answer.step.delay)
    await reply.chunk(b"data: [DONE]\n\n")
    await reply.end_stream()


class _Cut(Exception):
    """The script drops the connection here."""

    def __init__(self, *, nothing_sent: bool) -> None:
        self.nothing_sent = nothing_sent


class _Reply:
    """One HTTP/1.1 response, well formed or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def json(self, status: int, value: Any) -> None:
        await self._body(status, json.dumps(value).encode(), "")

    async def problem(
        self, status: int, message: str, *, retry_after: float | None = None, body: str | None = None
    ) -> None:
        headers = "" if retry_after is None else f"Retry-After: {retry_after:g}\r\n"
        error = {"message": message, "type": _TYPES.get(status, "server_error"), "param": None, "code": None}
        await self._body(status, (body or json.dumps({"error": error})).encode(), headers)

    async def begin_stream(self) -> None:
        self._writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        await self._writer.drain()

    async def chunk(self, data: bytes) -> None:
        self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()

    async def end_stream(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def rubbish(self) -> None:
        await self.chunk(b'data: {"choices": [{\xff\xfe\x00 <html>502 Bad Gateway</html>\n\n')
        await self.end_stream()

    async def silence(self) -> None:
        await self._reader.read(1)
        raise ConnectionResetError

    async def _body(self, status: int, content: bytes, headers: str) -> None:
        head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\nContent-Type: application/json\r\n{headers}"
        self._writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        await self._writer.drain()


async def _receive(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(method, path.partition("?")[0], headers, content)


def _call(call: ToolCall, ask: Ask) -> dict[str, Any]:
    given = call.arguments
    arguments = given if isinstance(given, str) else json.dumps(fill(given, ask), ensure_ascii=False)
    function = {"name": ask.tool_named(call.name), "arguments": arguments}
    return {"id": f"call_{secrets.token_hex(6)}", "type": "function", "function": function}


def _refusal(ask: Ask, manner: Manner) -> str | None:
    if ask.body.get("tools") and manner.tools == "refused":
        return "This model does not support tools."
    if ask.schema is not None and manner.schema == "refused":
        return "response_format is not supported."
    return None


def _probed(ask: Ask) -> Step | None:
    if "tide_lookup" not in ask.offered:
        return None
    return Step(calls=[call for asked, call in _PROBES.items() if re.search(asked, ask.user_text)])


def _held(words: list[str], calls: list[dict[str, Any]]) -> str:
    if not calls:
        return json.dumps({"answer": "".join(words)})
    function = calls[0]["function"]
    return json.dumps({"tool": function["name"], "arguments": json.loads(function["arguments"])})


def _written(calls: list[dict[str, Any]], manner: str) -> str:
    """Calls as small models write them; what comes before them stands on a line of its own."""
    return "".join(f"\n\n{_as_text(call['function'], manner)}" for call in calls) if manner != "never" else ""


def _as_text(function: dict[str, Any], manner: str) -> str:
    name, arguments = json.dumps(function["name"]), function["arguments"]
    match manner:
        case "fenced":
            return f'```json\n{{\n  "tool": {name},\n  "parameters": {arguments},\n}}\n```'
        case "tagged":
            return f'<tool_call>\n{{"name": {name}, "arguments": {json.dumps(arguments)}}}\n</tool_call>'
        case "doubled":
            inner = re.sub(r'("(?:[^"\\]|\\.)*")|([{}])', lambda found: found[1] or found[2] * 2, arguments)
            return f'{{{{"name": {name}, "arguments": {inner}}}}}'
        case _:
            return f'{{"name": {name}, "arguments": {arguments}}}'


def _usage(step: Step, ask: Ask, words: int) -> dict[str, int]:
    prompt, completion = len(json.dumps(ask.body)) // 4, words + 12 * len(step.calls)
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {**counted, **(step.usage or {})}


def _pieces(text: str) -> list[str]:
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + [words[-1]] if text else []


def _slices(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def main() -> None:
    """Run as a program until SIGTERM or Ctrl-C; the first line printed is {"url": …, "model": …}."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers.model", description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", default="story", help="a JSON file, or the name of one in tests/peers/scripts")
    parser.add_argument("--name", default="scripted", help="the model's name")
    given = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ModelServer(load_script(given.script), name=given.name, host=given.host, port=given.port) as model:
        print(json.dumps({"url": model.url, "model": model.name}), flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
