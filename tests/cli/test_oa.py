"""What `oa` prints where, what it asks, and with which exit code it ends."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from oa import settings, terminal
from tests.cli.conftest import Terminal

CONVERSATION, APPROVAL, ACCOUNT = "c" * 32, "a" * 24 + "7d1f03aa", "b" * 24 + "5c5c5c5c"
ESCAPE = "\x1b]52;c;aGFybQ==\x07\x1b[2J\u202eevil"

CARD: dict[str, Any] = {
    "id": APPROVAL,
    "conversation": CONVERSATION,
    "state": "pending",
    "reason": "Tell Carol",
    "preview_digest": "1" * 64,
    "expires_at": "2099-01-01T00:00:00Z",
    "preview": {
        "verb": "Send a mail",
        "confirm": "Send",
        "account": "ada@home.example",
        "destinations": [{"kind": "address", "value": "carol@example.org", "name": "Carol", "note": "first time"}],
        "fields": [{"label": "Subject", "value": "Re: Lease"}],
        "content": f"I sign on Friday.{ESCAPE}",
        "outside": [{"source": "Lease", "authors": ["carol@example.org"]}],
        "warnings": ["You never wrote to this address."],
    },
}


def stream(*events: dict[str, Any]) -> httpx.Response:
    lines = [f"id: {number}\ndata: {json.dumps(event)}\n\n" for number, event in enumerate(events, 1)]
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content="".join(lines).encode())


def text(delta: str) -> dict[str, Any]:
    return {"type": "TEXT_MESSAGE_CONTENT", "delta": delta}


BEGIN = {"type": "RUN_STARTED", "runId": "t" * 32}
END = {"type": "RUN_FINISHED"}
RECEIPT: dict[str, Any] = {
    "turn": "t" * 32,
    "state": "done",
    "verb": "Send a mail",
    "subject": f"Re: Lease{ESCAPE}",
    "account": "ada@home.example",
    "destinations": [{"name": "Carol", "value": "carol@example.org"}],
    "index": 4,
}


FILE = "9" * 32


@pytest.fixture
def talking(oa: Terminal) -> Terminal:
    oa.answers["POST /api/conversations"] = {"id": CONVERSATION}
    oa.answers["GET /api/approvals"] = []
    oa.answers[f"GET /api/conversations/{CONVERSATION}/receipts"] = []
    oa.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = stream(BEGIN, text("On "), text("Friday."), END)
    return oa


def test_an_answer_is_all_that_goes_to_standard_output(talking: Terminal) -> None:
    step = {"type": "CUSTOM", "name": "oa.call", "value": {"callId": "1", "state": "done", "title": "Messages search"}}
    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = stream(
        step, text("On Friday."), {"type": "TEXT_MESSAGE_END"}, END
    )
    ran = talking("ask", "when", "do", "I", "sign?")
    assert (ran.code, ran.out) == (0, "On Friday.\n")
    assert "✓ Messages search" in ran.err
    [asked] = [json.loads(each.content) for each in talking.asked if each.url.path.endswith("/messages")]
    assert asked["text"] == "when do I sign?"
    assert talking.asked[0].headers["Authorization"] == "Bearer oa_not-a-real-token"


def test_below_an_answer_stands_what_was_done_and_not_what_the_model_says(talking: Terminal) -> None:
    said = stream(BEGIN, text("I have sent it."), END)
    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = said
    assert talking("ask", "send", "it").err.endswith("Nothing was changed.\n")
    elsewhere = {**RECEIPT, "turn": "0" * 32, "verb": "Burn a letter"}
    talking.answers[f"GET /api/conversations/{CONVERSATION}/receipts"] = [elsewhere, RECEIPT]
    ran = talking("ask", "send", "it")
    assert "Done: Send a mail · Re: Lease" in ran.err
    assert "to Carol · ada@home.example (record 4)\n" in ran.err
    assert "Burn" not in ran.err
    assert "\x1b]52" not in ran.err
    assert ran.out == "I have sent it."


@pytest.mark.parametrize("began", [(BEGIN,), ()])
def test_what_was_done_is_left_open_where_the_record_cannot_be_read(
    talking: Terminal, began: tuple[dict[str, Any], ...]
) -> None:
    if began:
        talking.answers[f"GET /api/conversations/{CONVERSATION}/receipts"] = httpx.Response(
            503, json={"detail": "Away."}
        )
    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = stream(*began, text("On Friday."), END)
    ran = talking("ask", "send", "it")
    assert (ran.code, ran.out) == (0, "On Friday.")
    assert "cannot be read just now" in ran.err
    assert "Nothing was changed" not in ran.err


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("It ends in May [[7f3a]]. Both sign [[7f3a]] [[18b2]].", "It ends in May. Both sign."),
        ("See [[Page]], [us](https://example.org) and a[1].", "See [[Page]], [us](https://example.org) and a[1]."),
        ("It ends in May [[7f3a", "It ends in May [[7f3a"),
    ],
)  # fmt: skip
def test_marks_of_sources_are_left_out_however_they_come_in(talking: Terminal, said: str, shown: str) -> None:
    pieces = [text(letter) for letter in said]
    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = stream(BEGIN, *pieces, END)
    assert talking("ask", "when?").out == shown
    assert talking("ask", "--json", "when?").json["text"] == said


def test_files_and_what_is_piped_go_along_as_files_and_not_as_words_of_the_person(
    talking: Terminal, tmp_path: Path
) -> None:
    talking.answers["POST /api/files"] = {"id": FILE}
    (tmp_path / "lease.txt").write_text("The tenant pays.")
    ran = talking("ask", "what do I sign?", "--file", str(tmp_path / "lease.txt"), piped="So does the landlord.\n")
    given = [each for each in talking.asked if each.url.path == "/api/files"]
    assert [(each.url.params["name"], each.content) for each in given] == [
        ("lease.txt", b"The tenant pays."), ("standard input", b"So does the landlord.\n"),
    ]  # fmt: skip
    assert given[0].headers["Content-Type"] == "application/octet-stream"
    assert talking.body(3) == {"text": "what do I sign?", "files": [FILE, FILE]}
    assert ran.code == 0


def test_a_file_that_is_not_there_is_said_before_anything_is_sent(talking: Terminal, tmp_path: Path) -> None:
    ran = talking("ask", "what?", "--file", str(tmp_path / "lease.txt"))
    assert (ran.code, talking.asked) == (1, [])
    assert "cannot be read" in ran.err


def test_a_question_that_is_too_long_is_refused_before_it_is_sent(talking: Terminal) -> None:
    ran = talking("ask", "x" * 200_001)
    assert ran.code == 1
    assert "200,000 is the most" in ran.err
    assert talking.asked == []


def test_an_answer_that_waits_for_a_yes_says_so_and_ends_with_4(talking: Terminal) -> None:
    talking.answers["GET /api/approvals"] = [CARD]
    ran = talking("ask", "tell Carol")
    assert ran.code == 4
    assert "oa approvals approve 7d1f03aa" in ran.err
    assert talking("ask", "--json", "tell Carol").json["waiting"] == [APPROVAL]


def test_a_run_that_fails_ends_with_1_and_its_words(talking: Terminal) -> None:
    failed = {"type": "RUN_ERROR", "message": "The model does not answer."}
    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = stream(text("On"), failed)
    ran = talking("ask", "when?")
    assert (ran.code, ran.err.strip()) == (1, "The model does not answer.")


def test_an_answer_that_breaks_off_is_taken_up_where_it_was(talking: Terminal) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        def pieces() -> Any:
            yield f"id: 7\ndata: {json.dumps(text('On '))}\n\n".encode()
            raise httpx.ReadError("cut", request=request)

        return httpx.Response(200, content=pieces())

    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = cut
    talking.answers[f"GET /api/conversations/{CONVERSATION}/events"] = stream(text("Friday."), END)
    ran = talking("ask", "when?")
    assert (ran.code, ran.out) == (0, "On Friday.")
    [again] = [each for each in talking.asked if each.url.path.endswith("/events")]
    assert again.headers["Last-Event-ID"] == "7"


def test_text_from_outside_moves_no_cursor_and_turns_no_line(talking: Terminal) -> None:
    talking.answers[f"POST /api/conversations/{CONVERSATION}/messages"] = stream(text(f"Hello{ESCAPE}"), END)
    talking.answers[f"GET /api/approvals/{APPROVAL}"] = CARD
    for ran in (talking("ask", "hello"), talking("approvals", "show", APPROVAL)):
        assert not set(ran.out + ran.err) & set("\x1b\x07\u202e")


def test_a_card_shows_to_whom_from_what_and_what_to_mind(oa: Terminal) -> None:
    oa.answers["GET /api/approvals"] = [CARD]
    ran = oa("approvals", "show", "7d1f03aa")
    for words in (
        "Send a mail?",
        "from ada@home.example",
        "Carol <carol@example.org>   first time",
        "Subject  Re: Lease",
    ):
        assert words in ran.err
    for words in ("I sign on Friday.", "Text from outside: Lease (carol@example.org)", "Mind: You never wrote"):
        assert words in ran.err


@pytest.mark.parametrize(("typed", "decisions"), [("send\n", ["approve"]), ("yes\n", []), ("\n", [])])
def test_only_the_word_itself_approves(oa: Terminal, typed: str, decisions: list[str]) -> None:
    oa.answers["GET /api/approvals"] = [CARD]
    oa.answers[f"POST /api/approvals/{APPROVAL}"] = CARD
    assert oa("approvals", "approve", "7d1f03aa", typed=typed).code == 0
    assert [json.loads(each.content)["decision"] for each in oa.asked if each.method == "POST"] == decisions


def test_a_script_must_name_the_whole_id(oa: Terminal) -> None:
    oa.answers["GET /api/approvals"] = [CARD]
    oa.answers[f"GET /api/approvals/{APPROVAL}"] = CARD
    oa.answers[f"POST /api/approvals/{APPROVAL}"] = CARD
    assert oa("approvals", "approve", "7d1f03aa").code == 2
    assert oa("approvals", "approve", "--yes", "7d1f03aa").code == 2
    assert [each.method for each in oa.asked] == ["GET", "GET"]
    assert oa("approvals", "approve", "--yes", APPROVAL).code == 0
    assert oa.body() == {"decision": "approve", "note": "", "seen": "1" * 64}


def test_an_id_that_fits_nothing_is_said(oa: Terminal) -> None:
    oa.answers["GET /api/approvals"] = [CARD]
    ran = oa("approvals", "deny", "ffffffff")
    assert (ran.code, "oa approvals list" in ran.err) == (2, True)


FORM = {
    "arguments": {"to": ["carol@example.org"], "text": "I sign on Friday."},
    "parameters": {"properties": {"to": {"type": "array"}, "text": {"anyOf": [{"type": "string"}, {"type": "null"}]}}},
}


@pytest.fixture
def editing(oa: Terminal) -> Terminal:
    oa.answers["GET /api/approvals"] = [CARD]
    oa.answers[f"GET /api/approvals/{APPROVAL}/form"] = FORM
    oa.answers[f"PUT /api/approvals/{APPROVAL}/arguments"] = {
        **CARD, "preview": {**CARD["preview"], "content": "I sign on Monday."},
    }  # fmt: skip
    return oa


def test_what_waits_is_changed_and_not_done(editing: Terminal) -> None:
    ran = editing(
        "approvals", "edit", "7d1f03aa", "--set", "text=-", "--set", 'to=["b@example.org"]', piped="Monday.\n"
    )
    assert (ran.code, editing.asked[-1].method) == (0, "PUT")
    assert json.loads(editing.asked[-1].content) == {
        "arguments": {"to": ["b@example.org"], "text": "Monday.\n"}, "seen": "1" * 64,
    }  # fmt: skip
    assert "I sign on Monday." in ran.err
    assert "not done yet: oa approvals approve 7d1f03aa" in ran.err


@pytest.mark.parametrize("change", ["subject=Lease", "text", "to=carol@example.org"])
def test_a_change_that_makes_no_sense_is_not_sent(editing: Terminal, change: str) -> None:
    assert editing("approvals", "edit", "7d1f03aa", "--set", change).code == 2
    assert not any(each.method == "PUT" for each in editing.asked)


def test_a_yes_is_to_the_card_that_was_drawn(oa: Terminal) -> None:
    oa.answers["GET /api/approvals"] = [CARD]
    oa.answers[f"POST /api/approvals/{APPROVAL}"] = CARD
    assert oa("approvals", "approve", "7d1f03aa", typed="send\n").code == 0
    assert json.loads(oa.asked[-1].content)["seen"] == "1" * 64


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (httpx.Response(401, json={"detail": "This needs a sign-in."}), 3, "oa login"),
        (httpx.Response(503, json={"detail": "The vault does not answer."}), 5, "The vault does not answer."),
        (httpx.Response(403, json={"detail": "This token is not for that."}), 1, "not for that"),
        (httpx.Response(500, text="<html>"), 1, "answered 500"),
        (httpx.Response(200, text="<html>"), 1, "Is it the right address?"),
        (httpx.ConnectError("refused"), 5, "Is the house running?"),
        (httpx.ReadTimeout("late"), 5, "in time"),
    ],
)
def test_what_goes_wrong_has_its_code_and_its_words(oa: Terminal, answer: Any, code: int, words: str) -> None:
    oa.answers["GET /api/accounts"] = answer
    ran = oa("accounts", "list")
    assert (ran.code, ran.out) == (code, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("arguments", [("nonsense",), ("approvals", "show"), ("token", "make", "x", "--days", "0")])
def test_wrong_use_ends_with_2_and_points_to_help(oa: Terminal, arguments: tuple[str, ...]) -> None:
    ran = oa(*arguments)
    assert (ran.code, "oa --help" in ran.err) == (2, True)


def test_a_list_is_tab_separated_for_a_pipe_and_empty_lists_say_so_aside(oa: Terminal) -> None:
    oa.answers["GET /api/approvals"] = [CARD]
    assert oa("approvals", "list").out.split("\t")[:3] == ["7d1f03aa", "Send a mail", "carol@example.org"]
    oa.answers["GET /api/approvals"] = []
    ran = oa("approvals", "list")
    assert (ran.out, ran.err.strip()) == ("", "Nothing waits for you.")


def test_signing_in_keeps_a_token_for_its_owner_alone_and_no_password(oa: Terminal, configuration: Path) -> None:
    settings.forget()
    oa.answers["POST /api/session"] = {"user": {"username": "ada"}}
    oa.answers["POST /api/tokens"] = {"id": "t", "token": "oa_fresh", "expires_at": "2099-01-01T00:00:00Z"}
    ran = oa("login", "http://house.test/", "-u", "ada", piped="not-a-real-password\n")
    assert (ran.code, ran.out) == (0, "")
    assert json.loads(configuration.read_text()) == {"url": "http://house.test", "token": "oa_fresh"}
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert "not-a-real-password" not in configuration.read_text() + ran.err
    assert "oa_fresh" not in ran.err


def asks_for_a_code(right: str) -> Callable[[httpx.Request], httpx.Response]:
    """A house that asks one person for a code after the password."""

    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content).get("code") == right:
            return httpx.Response(200, json={"user": {"username": "ada"}})
        words = "Your password is right. Now the code that your app shows, or a recovery code."
        return httpx.Response(401, json={"title": "One more step", "detail": words, "code": "code_required"})

    return answer


def test_whose_sign_in_asks_for_a_code_types_it_and_may_mistype_it(
    oa: Terminal, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "secret", lambda name: "not-a-real-password")
    oa.answers["POST /api/session"] = asks_for_a_code("287082")
    oa.answers["POST /api/tokens"] = {"id": "t", "token": "oa_fresh", "expires_at": "2099-01-01T00:00:00Z"}
    ran = oa("login", "-u", "ada", typed="000000\n287082\n")
    assert ran.code == 0, ran.err
    assert "This code is wrong" in ran.err
    assert json.loads(configuration.read_text())["token"] == "oa_fresh"


def test_a_program_gives_the_code_on_the_line_after_the_password_once(oa: Terminal) -> None:
    oa.answers["POST /api/session"] = asks_for_a_code("287082")
    ran = oa("login", "-u", "ada", piped="not-a-real-password\n000000\n287082\n")
    assert (ran.code, len([each for each in oa.asked if each.url.path == "/api/session"])) == (3, 2)
    without = oa("login", "-u", "ada", piped="not-a-real-password\n")
    assert (without.code, "nothing came on standard input" in without.err) == (1, True)


def test_the_environment_wins_over_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.keep(settings.Login("http://kept.test", "oa_kept"))
    monkeypatch.setenv("OA_URL", "http://given.test/")
    monkeypatch.setenv("OA_TOKEN", "oa_given")
    assert settings.load() == ("http://given.test", "oa_given")


def test_a_damaged_login_is_left_out_and_said(configuration: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configuration.parent.mkdir()
    configuration.write_text("{")
    assert settings.load() == settings.Login()
    assert "oa login" in capsys.readouterr().err


@pytest.fixture
def services(oa: Terminal) -> Terminal:
    schema = {
        "properties": {
            "address": {"type": "string", "title": "Address"},
            "port": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "folders": {"type": "boolean"},
        },
        "required": ["address"],
    }
    card = {"id": "mail", "name": "Mail", "version": "1", "approved": False, "digest": "d", "tools": []}
    secret = {
        "properties": {"password": {"type": "string", "title": "Password"}, "token": {"type": "string"}},
        "required": ["password"],
    }
    oa.answers["GET /api/connectors"] = [{**card, "settings_schema": schema, "secrets_schema": secret}]
    oa.answers["POST /api/accounts"] = {"id": ACCOUNT, "name": "Mail"}
    return oa


def test_an_account_is_connected_with_settings_of_their_types(services: Terminal) -> None:
    given = ("--set", "address=ada@home.example", "--set", "port=993", "--set", "folders=no")
    assert services("accounts", "add", "mail", *given, piped="not-a-real-password\n").code == 0
    assert services.body() == {
        "connector": "mail",
        "name": "ada@home.example",
        "settings": {"address": "ada@home.example", "port": 993, "folders": False},
        "secrets": {"password": "not-a-real-password"},
        "route": "cloud_ok",
    }


def test_a_secret_that_is_needed_is_missed_and_one_that_is_not_is_left_out(services: Terminal) -> None:
    ran = services("accounts", "add", "mail", "--set", "address=a")
    assert (ran.code, "Password: nothing came" in ran.err) == (1, True)
    services("accounts", "add", "mail", "--set", "address=a", piped="not-a-real-password\nnot-a-real-token\n")
    assert services.body()["secrets"] == {"password": "not-a-real-password", "token": "not-a-real-token"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mail",), "--set address="),
        (("mail", "--set", "address=a", "--set", "port=many"), "not a whole number"),
        (("mail", "--set", "address=a", "--set", "folders=some"), "not yes or no"),
        (("mail", "--set", "adress=a"), "There are: address, port, folders"),
        (("mail", "--set", "address"), "not NAME=VALUE"),
        (("fax",), "There are: mail"),
    ],
)
def test_a_wrong_setting_is_said_before_anything_is_sent(services: Terminal, arguments: Any, words: str) -> None:
    ran = services("accounts", "add", *arguments, piped="not-a-real-password\n")
    assert (ran.code, words in ran.err) == (2, True), ran.err
    assert {each.method for each in services.asked} <= {"GET"}


def test_an_account_is_removed_only_by_the_word(oa: Terminal) -> None:
    oa.answers["GET /api/accounts"] = [{"id": ACCOUNT, "name": "Family"}]
    oa.answers[f"DELETE /api/accounts/{ACCOUNT}"] = httpx.Response(
        200, json={"at_provider": "none", "manage_url": None}
    )
    assert oa("accounts", "remove", "Family").code == 2
    assert "Left as it is." in oa("accounts", "remove", "Family", typed="yes\n").err
    assert [each.method for each in oa.asked] == ["GET", "GET"]
    assert oa("accounts", "remove", "Family", typed="remove\n").code == 0
    assert oa.asked[-1].method == "DELETE"


def test_a_ledger_that_was_changed_fails(oa: Terminal) -> None:
    oa.answers["GET /api/audit/verify"] = {"ok": True, "size": 7, "root": "ab", "seconds": 0.1, "problem": None}
    assert oa("audit", "verify").out == "Unchanged: 7 records, root ab\n"
    problem = {"index": 3, "detail": "The leaf is another."}
    oa.answers["GET /api/audit/verify"] = {"ok": False, "size": 7, "root": "ab", "seconds": 0.1, "problem": problem}
    ran = oa("audit", "verify", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert "record 3" in ran.err


def test_a_search_goes_on_where_a_page_of_it_holds_too_little(oa: Terminal) -> None:
    entry = {
        "time": "2026-11-28T00:00:00+00:00",
        "action": "tool.started",
        "tool": "x",
        "connector": None,
        "outcome": None,
    }
    pages = {None: ([{**entry, "index": 90}], 50), "50": ([], 10), "10": ([{**entry, "index": 4}], None)}

    def page(request: httpx.Request) -> httpx.Response:
        assert request.url.params["search"] == "the lease"
        entries, following = pages[request.url.params.get("after")]
        return httpx.Response(200, json={"entries": entries, "next": following, "head": None})

    oa.answers["GET /api/audit"] = page
    assert [each["index"] for each in oa("audit", "list", "--search", "the lease", "--json").json["entries"]] == [90, 4]
    assert len(oa.asked) == 3


def test_an_export_that_breaks_off_leaves_no_file(oa: Terminal, tmp_path: Path) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        def pieces() -> Any:
            yield b"{}\n"
            raise httpx.ReadError("cut", request=request)

        return httpx.Response(200, content=pieces())

    oa.answers["GET /api/audit/export"] = cut
    file = tmp_path / "ledger.jsonl"
    assert oa("audit", "export", str(file)).code == 5
    assert [each.name for each in tmp_path.iterdir() if "ledger" in each.name] == []
    oa.answers["GET /api/audit/export"] = httpx.Response(200, content=b"{}\n")
    assert oa("audit", "export", str(file)).code == 0
    assert file.read_bytes() == b"{}\n"


def test_a_model_that_does_not_answer_is_not_set(oa: Terminal) -> None:
    oa.answers["POST /api/model/check"] = {"ok": False, "detail": "No such model.", "models": []}
    ran = oa("model", "set", "llama", "--url", "http://127.0.0.1:11434/v1")
    assert (ran.code, "Nothing was changed." in ran.err) == (1, True)
    assert [each.url.path for each in oa.asked] == ["/api/model/check"]


def model_with(**tools: Any) -> dict[str, Any]:
    known = {"mode": "unknown", "detail": "", "tested_at": None, "testing": False, **tools}
    return {"current": {"model": "qwen3", "base_url": "http://127.0.0.1:11434/v1", "tools": known}, "found": []}


def test_the_model_is_shown_with_how_it_calls_tools(oa: Terminal) -> None:
    oa.answers["GET /api/model"] = model_with(mode="schema", detail="3 of 3 calls came as JSON.")
    assert "held to a form. 3 of 3 calls came as JSON." in oa("model", "show").out
    oa.answers["GET /api/model"] = model_with()
    assert "Its tools: not tested yet." in oa("model", "show").out


@pytest.mark.parametrize(("mode", "code"), [("native", 0), ("salvage", 0), ("none", 1), ("unknown", 1)])
def test_a_test_of_the_model_waits_for_its_result(oa: Terminal, mode: str, code: int) -> None:
    oa.answers["POST /api/model/test"] = model_with(testing=True)
    oa.answers["GET /api/model"] = model_with(mode=mode, detail="So it was seen.")
    ran = oa("model", "test")
    assert (ran.code, "So it was seen." in ran.out) == (code, True)
    assert [(each.method, each.url.path) for each in oa.asked] == [("POST", "/api/model/test"), ("GET", "/api/model")]


def test_clean_keeps_lines_and_other_scripts() -> None:
    assert terminal.clean("Grüße\n\tд 日本 🎉\x00\x9b31m") == "Grüße\n\tд 日本 🎉31m"


def test_heads_that_were_kept_are_sent_along_and_the_newest_is_added(oa: Terminal, tmp_path: Path) -> None:
    note = "open-assistant/ledger\n{}\nAAAA\ntime 2026-11-28T00:00:00+00:00\n\n— open-assistant/ledger c2ln\n"
    file = tmp_path / "heads"
    good = {"ok": True, "size": 7, "root": "ab", "seconds": 0.1, "problem": None}
    oa.answers["POST /api/audit/verify"] = good
    for size, words in ((5, "Kept: 5 records, checked against 0"), (7, "Kept: 7 records, checked against 1"),
                        (7, "Known already: 7 records, checked against 2")):  # fmt: skip
        oa.answers["GET /api/audit"] = {"entries": [], "head": {"size": size, "signature": note.format(size)}}
        assert words in oa("audit", "witness", str(file)).err
    assert file.read_text() == f"{note.format(5)}\n{note.format(7)}\n"
    assert oa("audit", "verify", "--heads", str(file)).out == "Unchanged: 7 records, root ab\n"
    problem = {"index": 5, "detail": "Records from 5 on were cut off: there were 7."}
    oa.answers["POST /api/audit/verify"] = {**good, "ok": False, "size": 5, "problem": problem}
    assert oa("audit", "witness", str(file)).code == 1
    assert "cut off" in oa("audit", "verify", "--heads", str(file)).err
    file.write_text("no head")
    assert oa("audit", "witness", str(file)).code == 2


def test_what_models_may_see_is_chosen_by_name_and_said_in_words(oa: Terminal) -> None:
    oa.answers["GET /api/accounts"] = [{"id": ACCOUNT, "name": "Family"}]
    oa.answers["GET /api/routes"] = []
    oa.answers[f"PUT /api/routes/{ACCOUNT}"] = {"source": ACCOUNT, "route": "local_only"}
    oa.answers["PUT /api/routes/from:@clinic.example"] = {"source": "from:@clinic.example", "route": "redact"}
    assert "any model may read it" in oa("accounts", "route", "Family").err
    assert "only a local model" in oa("accounts", "route", "Family", "local_only").err
    assert oa.body() == {"route": "local_only"}
    assert oa("accounts", "route", "from:@clinic.example", "redact", "--json").json["route"] == "redact"
    assert oa("accounts", "route", "Family", "nonsense").code == 2


def test_a_laxer_choice_signs_in_with_the_password(oa: Terminal) -> None:
    oa.answers["GET /api/accounts"] = [{"id": ACCOUNT, "name": "Family"}]
    oa.answers["GET /api/routes"] = [{"source": ACCOUNT, "route": "local_only"}]
    oa.answers["POST /api/session"] = {"user": {"username": "ada"}}
    oa.answers[f"PUT /api/routes/{ACCOUNT}"] = {"source": ACCOUNT, "route": "redact"}
    ran = oa("accounts", "route", "Family", "redact", "--user", "ada", piped="not-a-real-password\n")
    assert ran.code == 0, ran.err
    sign_in, change = oa.asked[-2:]
    assert (sign_in.url.path, change.method) == ("/api/session", "PUT")
    assert "authorization" not in change.headers
