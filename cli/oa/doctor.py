"""The doctor: tries everything that the assistant needs, and says of what fails what its owner does about it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import typer

from oa import terminal
from oa.house import AWAY, FAILED, SIGN_IN, House, HouseError
from oa.session import Json, house

__all__ = ["Finding", "doctor", "missing_rooms", "remedy"]

_SOON = timedelta(days=3)
_CLOCKS_DIFFER = timedelta(minutes=5)
_WAIT = ("unavailable", "deadline_exceeded", "rate_limited", "upstream_failed")
Account = Mapping[str, Any]
Problem = Mapping[str, Any]


class Finding(NamedTuple):
    """One thing that was tried; `todo` is what helps where it is not sound."""

    what: str
    ok: bool
    detail: str
    todo: str = ""
    account: str | None = None


def doctor(json: Json = False) -> None:
    """Try everything that the assistant needs, and say what to do about what fails. Exit code 1 when any does."""
    shown: list[Finding] = []
    with house() as asked:
        for each in _findings(asked):
            shown.append(each)
            if not json:
                _show(each)
    sound = all(each.ok for each in shown)
    if json:
        terminal.show_json({"ok": sound, "found": [each._asdict() for each in shown]})
    if not sound:
        raise typer.Exit(FAILED)


def missing_rooms(asked: House) -> list[str]:
    """The rooms that are not there; raises `HouseError` where the gateway itself is not."""
    try:
        return [str(each) for each in asked.get("/readyz").get("missing", ())]
    except HouseError as error:
        if "missing" not in error.problem:
            raise
        return [str(each) for each in error.problem["missing"]]


def remedy(account: Account, problem: Problem, service: Mapping[str, Any] | None, failed: Iterable[str] = ()) -> str:
    """What the owner of an account does about its problem; `failed` are the names of the steps that did."""
    name = shlex.quote(terminal.clean(account["name"]))
    check, code, reason = f"oa accounts check {name}", problem.get("code"), problem.get("reason")
    if service is None:
        return "Its service is not running. What runs: oa connectors list"
    if not service["approved"]:
        return f"Let the service be used: oa connectors approve {service['id']}"
    there = problem.get("url") or (service.get("sign_in") or {}).get("console_url") or "the provider's console"
    known = {
        "api_disabled": f"Open {there} and switch it on, wait a minute, then: {check}",
        "admin_blocked": f"Ask the administrator of that account to allow this app. Then: {check}",
        "storage_full": f"Make room there, then: {check}",
        "no_mailbox": "Have a mailbox made for that account, or connect another one.",
        "trial_over": f"Publish the registration: {there}. {_again(name, service, ())}",
        "clock_wrong": f"Set the clock of the machine that the house runs on, then: {check}",
    }
    if reason in known:
        return known[reason]
    if problem.get("action") == "reconnect":
        return _again(name, service, failed)
    if code in _WAIT:
        return f"Wait some minutes, then: {check}"
    return f"Then try it again: {check}"


def _again(name: str, service: Mapping[str, Any], failed: Iterable[str]) -> str:
    sign_in, add = service.get("sign_in"), f"oa accounts add {service['id']}"
    if sign_in is None:
        return f"Type the password anew: {add}; then take the old connection away: oa accounts remove {name}"
    titles = {each["title"]: each["id"] for each in sign_in["capabilities"]}
    ticks = "".join(f" --allow {titles[each]}" for each in failed if each in titles)
    return f"Connect it again{', and allow that' if ticks else ''}: {add} --again {name}{ticks}"


def _show(found: Finding) -> None:
    terminal.verdict(found.ok, found.what, found.detail)
    if found.todo:
        terminal.show(f"  → {found.todo}")


def _findings(asked: House) -> Iterator[Finding]:
    yield from _rooms(asked)
    yield from _clock(asked)
    for what, look in (
        ("Model", _model),
        ("Service", _services),
        ("Account", _accounts),
        ("Ledger", _ledger),
        ("Copies", _copies),
    ):
        yield from _tried(asked, what, look)


def _tried(asked: House, what: str, look: Callable[[House], Iterator[Finding]]) -> Iterator[Finding]:
    """What a look finds; where the house refuses it, that is what was found, and the others go on."""
    try:
        yield from look(asked)
    except HouseError as error:
        if _is_over(error):
            raise
        yield Finding(what, False, _first_line(error.words))


def _is_over(error: HouseError) -> bool:
    """Whether nothing else can be asked either."""
    return error.code == SIGN_IN or (error.code == AWAY and not error.problem)


def _rooms(asked: House) -> Iterator[Finding]:
    missing = missing_rooms(asked)
    if missing:
        yield Finding("House", False, f"{', '.join(missing)} away", "Look at the log of the house: it says why.")
    else:
        yield Finding("House", True, asked.url)


def _clock(asked: House) -> Iterator[Finding]:
    ahead = asked.clock_ahead
    if ahead is None:
        return
    if abs(ahead) <= _CLOCKS_DIFFER:
        yield Finding("Clock", True, "as on this machine")
        return
    minutes = round(abs(ahead) / timedelta(minutes=1))
    words = f"the house is {minutes} min {'ahead of' if ahead > timedelta() else 'behind'} this machine"
    yield Finding("Clock", False, words, "Set the clock that is wrong; sign-ins and certificates depend on it.")


def _model(asked: House) -> Iterator[Finding]:
    chosen = asked.get("/api/model")["current"]
    if chosen is None:
        yield Finding("Model", False, "None is set.", "Choose one: oa model set")
        return
    answer = asked.post("/api/model/check", {key: chosen[key] for key in ("kind", "model", "base_url")})
    todo = "" if answer["ok"] else "See that its server runs, or choose another: oa model set"
    yield Finding("Model", answer["ok"], f"{chosen['model']}: {answer['detail']}", todo)


def _services(asked: House) -> Iterator[Finding]:
    for each in asked.get("/api/connectors"):
        if not each["approved"]:
            todo = f"Look at what it can do, then let it be used: oa connectors approve {each['id']}"
            yield Finding("Service", False, f"{each['id']} waits for you", todo)


def _accounts(asked: House) -> Iterator[Finding]:
    services = {each["id"]: each for each in asked.get("/api/connectors")}
    accounts = asked.get("/api/accounts")
    if not accounts:
        yield Finding("Account", True, "None yet. Connect one: oa accounts add")
    for each in accounts:
        for found in _account(asked, each, services.get(each["connector"])):
            yield found._replace(account=each["id"])


def _account(asked: House, account: Account, service: Mapping[str, Any] | None) -> Iterator[Finding]:
    name = account["name"]
    try:
        report = asked.post(f"/api/accounts/{account['id']}/check")
    except HouseError as error:
        if _is_over(error):
            raise
        todo = remedy(account, error.problem, service)
        yield Finding("Account", False, f"{name}: {_first_line(error.words)}", todo)
        return
    yield from _steps(account, report, service)
    if report["ok"]:
        yield from _copied(account)
    yield from _consent(account, service)


def _steps(account: Account, report: Mapping[str, Any], service: Mapping[str, Any] | None) -> Iterator[Finding]:
    name, problem = account["name"], report["problem"] or {}
    failed = [step["name"] for step in report["steps"] if not step["ok"]]
    todo = remedy(account, problem, service, failed) if not report["ok"] else ""
    for step in report["steps"]:
        words = ": ".join(filter(None, (name, step["name"], step.get("detail"))))
        is_first = not step["ok"] and step["name"] == failed[0]
        yield Finding("Account", step["ok"], words, todo if is_first else "")
    if not report["steps"] or (not report["ok"] and not failed):
        detail = problem.get("detail", "") if not report["ok"] else ""
        yield Finding("Account", report["ok"], ": ".join(filter(None, (name, detail))), todo)


def _copied(account: Account) -> Iterator[Finding]:
    """That an account works and its copy did not: the house tries that again by itself."""
    sync, problem = account.get("sync") or {}, account.get("problem") or {}
    if sync.get("state") == "failed":
        said = f" {problem['detail']}" if problem else ""
        yield Finding("Account", True, f"{account['name']}: The last copy failed.{said} It is tried again by itself.")


def _consent(account: Account, service: Mapping[str, Any] | None) -> Iterator[Finding]:
    ends = account.get("consent_ends_at")
    if not ends:
        return
    left = datetime.fromisoformat(ends) - datetime.now(UTC)
    words = f"{account['name']}: Its consent {'ends' if left > timedelta() else 'ended'} {terminal.when(ends)}."
    if left > _SOON or service is None:
        yield Finding("Consent", left > timedelta(), words)
    else:
        name = shlex.quote(terminal.clean(account["name"]))
        yield Finding("Consent", False, words, _again(name, service, ()))


def _ledger(asked: House) -> Iterator[Finding]:
    answer = asked.get("/api/audit/verify")
    if answer["ok"]:
        yield Finding("Ledger", True, f"{answer['size']} records, unchanged")
    else:
        yield Finding("Ledger", False, "changed afterwards", "See where: oa audit verify")


def _copies(asked: House) -> Iterator[Finding]:
    found = asked.get("/api/copies")
    if not found["made"]:
        yield Finding("Copies", True, "None are made. Choose a folder for them: OA_BACKUP_DIR")
    elif found["problem"]:
        todo = "See that its disk is there and has room; then try: make backup"
        yield Finding("Copies", False, found["problem"], todo)
    elif found["good_at"]:
        yield Finding("Copies", True, f"{terminal.when(found['good_at'])}, and all of it opens")
    else:
        yield Finding("Copies", True, "The first is made soon.")
    if restored := found["restored"]:
        words = f"from a copy of {terminal.when(restored['taken_at'])}; {restored['put_aside']} things were put aside"
        yield Finding("Restored", True, words)


def _first_line(words: str) -> str:
    return words.split("\n", 1)[0]
