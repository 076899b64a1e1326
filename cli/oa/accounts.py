"""Accounts and the services that they are at: connect, look after, remove."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args
from urllib.parse import quote

import typer

from oa import session, signin, terminal
from oa.doctor import remedy
from oa.house import FAILED, USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, house

__all__ = ["app", "connectors"]

app = Commands(help="Connect accounts, check them, remove them.")
connectors = Commands(help="The services that an account can be at.")

Route = Literal["cloud_ok", "redact", "local_only"]
_ORDER: tuple[Route, ...] = get_args(Route)
_TOLD: dict[Route, str] = {
    "cloud_ok": "{source}: any model may read it.",
    "redact": "{source}: a model outside the house reads it without the names, addresses and numbers that are found.",
    "local_only": "{source}: only a local model may read it.",
}

_Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its name, its id, or the id's end")]


@app.command("list")
def listing(json: Json = False) -> None:
    """List the accounts, and how each is doing."""
    with house() as asked:
        found = asked.get("/api/accounts")
    if json:
        terminal.show_json(found)
        return
    rows = [(each["id"][-8:], each["name"], each["connector"], each["state"], _progress(each)) for each in found]
    terminal.table(
        ("ID", "NAME", "SERVICE", "STATE", "READ"), rows, empty="No account yet. Connect one: oa accounts add mail"
    )


@app.command("add")
def add(
    connector: Annotated[str, typer.Argument(help="The service, such as mail; see: oa connectors list")],
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be repeated")
    ] = None,
    name: Annotated[str, typer.Option(help="What you call it")] = "",
    route: Annotated[
        Route | None, typer.Option("--route", help="What a model outside the house may see: see oa accounts route")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="PERMISSION", help="What it may do at its provider; may be repeated"),
    ] = None,
    again: Annotated[
        str | None, typer.Option("--again", metavar="ACCOUNT", help="The account whose consent is asked for anew")
    ] = None,
    device: Annotated[bool, typer.Option("--device", help="Sign in by a code, in a browser anywhere")] = False,
    json: Json = False,
) -> None:
    """Connect an account; what it needs is asked for.

    Secrets never stand in the command: they come from a prompt or, line by line, from standard input. Where the
    account signs in at its provider, the address to open is printed; then the browser's return is waited for, or the
    address of the page that it came to is pasted. A service that takes a token as well signs in with --allow.

    Examples:
      oa accounts add mail
      oa accounts add mail --set address=ada@home.example --set imap_host=imap.home.example < password-file
      oa accounts add google_drive --allow browse --allow read
      oa accounts add outlook_calendar --device
      oa accounts add google_drive --again "Work drive" --allow share
    """
    with house() as asked:
        service = _service(asked, connector)
        typed = bool(service["secrets_schema"].get("properties"))
        if service.get("sign_in") and (not typed or allow or again or device):
            pairs = _pairs(given or [])
            made, chosen = _signed_in(asked, service, pairs, name=name, route=route, allow=allow or [],
                                      again=again, device=device)  # fmt: skip
            _tell_added(made, chosen, json=json, again=again is not None)
            return
        if allow or again or device:
            raise HouseError(f"{service['name']} does not sign in at a provider.", code=USAGE)
        settings = _settings(service["settings_schema"], _pairs(given or []))
        secrets = _secrets(service["secrets_schema"])
        draft = {"connector": connector, "name": name or str(settings.get("address") or service["name"])}
        chosen = route or _asked_route(asked)
        draft |= {"route": chosen}
        made = asked.post("/api/accounts", {**draft, "settings": settings, "secrets": secrets})
    _tell_added(made, chosen, json=json)


@app.command("route")
def route(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="An account's name or id; own: what you type; files: what you give; or from:ADDRESS"
        ),
    ],
    choice: Annotated[
        Route | None,
        typer.Argument(metavar="[CHOICE]", help="cloud_ok, redact or local_only; left out: say what holds"),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Your user name, where you are asked for it")] = None,
    json: Json = False,
) -> None:
    """Choose what a model outside the house may see of an account.

    cloud_ok lets it read everything, local_only nothing, redact everything but names, addresses and numbers that are
    found. To let it see more than before takes your password.

    Examples:
      oa accounts route ada@home.example local_only
      oa accounts route own redact
      oa accounts route from:@clinic.example local_only
    """
    with house() as asked:
        key = source if source in ("own", "files") or source.startswith("from:") else _find(asked, source)["id"]
        held = {each["source"]: each["route"] for each in asked.get("/api/routes")}.get(key, "cloud_ok")
        if choice is None:
            shown = {"source": key, "route": held}
        elif _ORDER.index(choice) >= _ORDER.index(held):
            shown = asked.put(f"/api/routes/{quote(key, safe='')}", {"route": choice})
        else:
            with session.signed_in(user)[0] as opened:
                shown = opened.put(f"/api/routes/{quote(key, safe='')}", {"route": choice})
    if json:
        terminal.show_json(shown)
    else:
        terminal.say(_TOLD[shown["route"]].format(source=source))


@app.command("check")
def check(account: _Account, json: Json = False) -> None:
    """Try an account step by step, and say what is wrong."""
    with house() as asked:
        found = _find(asked, account)
        report = asked.post(f"/api/accounts/{found['id']}/check")
        service = next((each for each in asked.get("/api/connectors") if each["id"] == found["connector"]), None)
    if json:
        terminal.show_json(report)
    for step in () if json else report["steps"]:
        terminal.verdict(step["ok"], step["name"], step["detail"])
    if not report["ok"]:
        problem = report["problem"] or {}
        failed = [step["name"] for step in report["steps"] if not step["ok"]]
        words = str(problem.get("detail") or "The account does not work.")
        raise HouseError(f"{words}\n→ {remedy(found, problem, service, failed)}", code=FAILED)


@app.command("hold")
def hold(
    account: _Account,
    seconds: Annotated[
        float | None, typer.Argument(help="How long, from 0 to 600; left out: as the house does", min=0, max=600)
    ] = None,
) -> None:
    """Hold back what an account sends for some seconds after your yes, so that it can be taken back.

    Examples:
      oa accounts hold ada@home.example 30
      oa accounts hold ada@home.example
    """
    with house() as asked:
        found = asked.put(f"/api/accounts/{_find(asked, account)['id']}/hold", {"seconds": seconds})
    held = found["hold"]["seconds"]
    terminal.say(f"{found['name']}: {f'held for {held:g} s' if held else 'sent at once'}.")


@app.command("remove")
def remove(
    account: _Account,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; the whole id must be given")] = False,
) -> None:
    """Disconnect an account, end its consent at the provider where it can, and erase here what was read from it."""
    with house() as asked:
        found = _find(asked, account)
        if yes and account != found["id"]:
            raise HouseError("--yes needs the whole id, so that a script removes what it means.", code=USAGE)
        if not yes and not terminal.confirm(f"Remove {found['name']}?", "remove"):
            terminal.say("Left as it is.")
            return
        gone = asked.delete(f"/api/accounts/{found['id']}")
    if gone["at_provider"] in ("failed", "unsupported"):
        there = gone["manage_url"] or "end it in your account there"
        terminal.say(f"{found['name']} is removed here. Its consent still stands at the provider: {there}")
    else:
        terminal.say(f"{found['name']} is removed.")


@connectors.command("list")
def services(json: Json = False) -> None:
    """List the services that are running."""
    with house() as asked:
        found = asked.get("/api/connectors")
    if json:
        terminal.show_json(found)
        return
    rows = [(each["id"], each["name"], each["version"], "approved" if each["approved"] else "waits") for each in found]
    terminal.table(("ID", "NAME", "VERSION", "STATE"), rows, empty="No service is running.")


@connectors.command("approve")
def approve(
    connector: Annotated[str, typer.Argument(help="Its id")],
    user: Annotated[str | None, typer.Option("--user", "-u", help="Your user name; asked for when left out")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Let a service's tools be used, after a look at them. Asks for your password."""
    with session.signed_in(user)[0] as opened:
        service = _service(opened, connector)
        for tool in service["tools"]:
            terminal.say(f"{tool['name']:<28} {tool['effect']:<7} {tool['description'].splitlines()[0]}")
        if not yes and not terminal.confirm(f"Let {service['name']} be used?", "approve"):
            terminal.say("Left as it is.")
            return
        opened.post(f"/api/connectors/{connector}/approve", {"digest": service["digest"]})
    terminal.say(f"{service['name']} can be used.")


@connectors.command("register")
def register(
    connector: Annotated[str, typer.Argument(help="A service of the provider; one registration serves all of them")],
    client_id: Annotated[
        str,
        typer.Option("--client-id", metavar="ID", help="What the provider's console shows; left out: say the steps"),
    ] = "",
    urls: Annotated[
        list[str] | None, typer.Option("--url", metavar="NAME=URL", help="Another address than the public one")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Your user name; asked for when left out")] = None,
) -> None:
    """Register this house with a provider. Asks for your password, then for the client secret.

    Examples:
      oa connectors register google_drive
      oa connectors register google_drive --client-id 1234-abcd.apps.example
    """
    if not client_id:
        with house() as asked:
            service = _at_provider(asked, connector)
            signin.tell_registration(signin.client_of(asked, service), service)
        return
    with session.signed_in(user)[0] as opened:
        service = _at_provider(opened, connector)
        client = signin.client_of(opened, service)
        asks = client["secret"] != "none"
        secret = terminal.secret("Client secret (empty: none, or the one that is kept)", optional=True) if asks else ""
        draft = {"client_id": client_id, "client_secret": secret or None, "urls": _pairs(urls or [])}
        opened.put(f"/api/oauth/clients/{client['provider']}", draft)
    terminal.say(f"This house is registered with {client['name']}. Connect an account: oa accounts add {connector}")


def _at_provider(asked: Any, connector: str) -> dict[str, Any]:
    service = _service(asked, connector)
    if not service.get("sign_in"):
        raise HouseError(f"{service['name']} does not sign in at a provider.", code=USAGE)
    return service


def _signed_in(
    asked: Any, service: dict[str, Any], given: dict[str, str], *, name: str, route: Route | None, allow: list[str],
    again: str | None, device: bool,
) -> tuple[dict[str, Any], Route]:  # fmt: skip
    """An account that its owner authorized at the provider, and what models may see of it."""
    known = _find(asked, again) if again is not None else None
    if known is not None and known["connector"] != service["id"]:
        raise HouseError(f"{known['name']} is an account of {known['connector']}.", code=USAGE)
    client = signin.client_of(asked, service)
    if not client["registered"]:
        signin.tell_registration(client, service)
        raise HouseError(f"This house is not registered with {client['name']} yet.", code=FAILED)
    if device and not service["sign_in"]["codes"]:
        raise HouseError(f"{client['name']} has no sign-in by a code for this.", code=USAGE)
    held: Route = known["route"] if known else "cloud_ok"
    chosen = route or (held if known else _asked_route(asked))
    kept, schema = known["settings"] if known else {}, service["settings_schema"]
    missing = [each for each in schema.get("required", ()) if each not in kept]
    settings = {**kept, **_settings({**schema, "required": missing}, given)}
    draft = {
        "connector": service["id"], "account": known["id"] if known else None, "name": "" if known else name,
        "settings": settings, "capabilities": signin.chosen(service, allow, known), "device": device,
    }  # fmt: skip
    made = signin.authorized(asked, service, draft)
    if chosen != made["route"]:
        asked.put(f"/api/routes/{made['id']}", {"route": chosen})
        made["route"] = chosen
    return made, chosen


def _tell_added(made: dict[str, Any], chosen: Route, *, json: bool, again: bool = False) -> None:
    if json:
        terminal.show_json(made)
        return
    terminal.say(f"{made['name']} is connected{' again' if again else ', and is being read'}.")
    terminal.say(_TOLD[chosen].format(source=made["name"]))


def _service(asked: Any, connector: str) -> dict[str, Any]:
    found = {each["id"]: each for each in asked.get("/api/connectors")}
    if connector not in found:
        raise HouseError(
            f"{connector!r} is not running here. There are: {', '.join(sorted(found)) or 'none'}.", code=USAGE
        )
    return dict(found[connector])


def _find(asked: Any, given: str) -> dict[str, Any]:
    accounts = asked.get("/api/accounts")
    ends = [each for each in accounts if len(given) > 3 and each["id"].endswith(given)]
    fitting = (
        [each for each in accounts if each["id"] == given]
        or [each for each in accounts if each["name"] == given]
        or ends
    )
    if len(fitting) != 1:
        words = "No account is" if not fitting else "More than one account is"
        raise HouseError(f"{words} called {given!r}. See: oa accounts list", code=USAGE)
    return dict(fitting[0])


def _asked_route(asked: Any) -> Route:
    """What models may see of a new account: asked for on a terminal where the model is a cloud's; else everything."""
    model = asked.get("/api/model")["current"] if terminal.is_terminal() else None
    if model is None or model["local"]:
        return "cloud_ok"
    terminal.say(f"{model['model']} is not a local model. What may it see of this account?")
    for each in _ORDER:
        terminal.say(f"  {each:<11}{_TOLD[each].partition(': ')[2]}")
    typed = str(typer.prompt("Choice", default="cloud_ok"))
    if typed not in _ORDER:
        raise HouseError(f"{typed!r} is none of them: {', '.join(_ORDER)}.", code=USAGE)
    return typed


def _pairs(given: list[str]) -> dict[str, str]:
    for each in given:
        if "=" not in each:
            raise HouseError(f"{each!r} is not NAME=VALUE.", code=USAGE)
    return dict(each.split("=", 1) for each in given)


def _settings(schema: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    """The settings that a schema asks for: those given, and on a terminal the needed ones that are not."""
    fields = dict(_fields(schema))
    if unknown := sorted(given.keys() - fields.keys()):
        raise HouseError(f"There is no setting {unknown[0]!r}. There are: {', '.join(fields)}.", code=USAGE)
    missing = [each for each in schema.get("required", ()) if each not in given]
    if missing and not terminal.is_terminal():
        raise HouseError(f"Needed as well: {', '.join(f'--set {each}=…' for each in missing)}", code=USAGE)
    typed = {each: str(typer.prompt(_title(each, fields[each]))) for each in missing}
    return {key: _value(key, fields[key], text) for key, text in {**given, **typed}.items()}


def _secrets(schema: dict[str, Any]) -> dict[str, str]:
    """The secrets that a schema asks for, in its order; an empty answer leaves out one that is not needed."""
    needed = set(schema.get("required", ()))
    asked = {
        key: terminal.secret(
            _title(key, field) + ("" if key in needed else " (empty: none)"), optional=key not in needed
        )
        for key, field in _fields(schema)
    }
    return {key: text for key, text in asked.items() if text}


def _value(key: str, field: dict[str, Any], text: str) -> Any:
    """A text as the type that a setting has."""
    kinds = {part.get("type") for part in (field, *field.get("anyOf", ()))}
    try:
        if "boolean" in kinds:
            return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
        return int(text) if "integer" in kinds else text
    except (KeyError, ValueError):
        raise HouseError(
            f"{key}: {text!r} is not {'yes or no' if 'boolean' in kinds else 'a whole number'}.", code=USAGE
        ) from None


def _fields(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list((schema.get("properties") or {}).items())


def _title(key: str, field: dict[str, Any]) -> str:
    return terminal.clean(field.get("title") or key)


def _progress(account: dict[str, Any]) -> str:
    sync = account["sync"]
    if sync is None:
        return "not yet"
    if sync["state"] == "running":
        return f"{sync['done']} of {sync['total'] or 'many'}"
    return "failed" if sync["state"] == "failed" else terminal.when(sync["finished_at"])
