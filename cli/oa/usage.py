"""What the model costs: spent and left, the limits, the price. Changing them needs the password; no token will do."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from oa import terminal
from oa.house import USAGE, HouseError
from oa.manual import Commands
from oa.session import Json, house, signed_in

__all__ = ["app"]

_MICRO = 1_000_000
_NONE = "none"
_PERIODS = {"day": "Today", "month": "This month", "house_day": "House today", "house_month": "House this month"}
_MONEY = {"turn_money": "turn_micro", "day_money": "day_micro", "month_money": "month_micro"}
_NAMES = {
    "turn_tokens": "Tokens for one answer",
    "turn_micro": "Money for one answer",
    "model_calls": "Questions to the model for one answer",
    "tool_calls": "Tool calls for one answer",
    "seconds": "Seconds for one answer",
    "day_tokens": "Tokens a day",
    "day_micro": "Money a day",
    "month_tokens": "Tokens a month",
    "month_micro": "Money a month",
}

app = Commands(
    help="See what the model costs, and limit it.", no_args_is_help=False, invoke_without_command=True
)  # fmt: skip


@app.callback()
def show(
    ctx: typer.Context,
    days: Annotated[int, typer.Option("--days", min=1, max=366, metavar="number", help="How far back")] = 7,
    json: Json = False,
) -> None:
    """See what the model costs, and limit it. Alone it shows what is spent and left."""
    if ctx.invoked_subcommand is not None:
        return
    with house() as asked:
        found = asked.get("/api/usage", days=days)
    if json:
        terminal.show_json(found)
        return
    periods = [*found["periods"], *(found["house"]["periods"] if found["house"] else ())]
    rows = [_period(each, found["currency"]) for each in periods]
    terminal.table(("", "TOKENS", "OF", "MONEY", "OF"), rows, empty="Nothing is limited.")
    if not found["priced"]:
        terminal.say("The model's price is not known, so money is not counted: oa usage price")
    spent = [
        (each["day"], each["model"], each["calls"], each["input_tokens"], each["output_tokens"], _money(each))
        for each in found["rows"]
    ]
    terminal.table(("DAY", "MODEL", "CALLS", "READ", "WRITTEN", "MONEY"), spent, empty="Nothing was asked yet.")


@app.command("limits")
def limits(
    day_tokens: Annotated[str | None, typer.Option("--day-tokens", metavar="number", help="A day")] = None,
    day_money: Annotated[str | None, typer.Option("--day-money", metavar="amount", help="A day")] = None,
    month_tokens: Annotated[str | None, typer.Option("--month-tokens", metavar="number", help="A month")] = None,
    month_money: Annotated[str | None, typer.Option("--month-money", metavar="amount", help="A month")] = None,
    turn_tokens: Annotated[str | None, typer.Option("--answer-tokens", metavar="number", help="One answer")] = None,
    turn_money: Annotated[str | None, typer.Option("--answer-money", metavar="amount", help="One answer")] = None,
    model_calls: Annotated[str | None, typer.Option("--questions", metavar="number", help="To the model")] = None,
    tool_calls: Annotated[str | None, typer.Option("--tool-calls", metavar="number", help="In one answer")] = None,
    seconds: Annotated[str | None, typer.Option("--seconds", metavar="number", help="One answer may take")] = None,
    each: Annotated[bool, typer.Option("--each", help="For everybody in the house; its owner decides")] = False,
    whole: Annotated[bool, typer.Option("--house", help="For the house as a whole; its owner decides")] = False,
    json: Json = False,
) -> None:
    """Show your limits, or change those that are named; the word none takes one away.

    Examples:
      oa usage limits
      oa usage limits --day-money 5 --answer-tokens 200000
      oa usage limits --house --month-money none
    """
    given = {name: value for name, value in locals().items() if value is not None and name in (*_NAMES, *_MONEY)}
    changes = dict(_limit(name, str(value)) for name, value in given.items())
    if each and whole:
        raise HouseError("Either --each or --house, not both.", code=USAGE)
    found = _changed(changes, each=each, whole=whole) if changes else _asked()
    if json:
        terminal.show_json(found)
        return
    shown = found["limits"] if not (each or whole) else (found["house"] or {}).get("each" if each else "limits", {})
    rows = [(_NAMES[name], _amount(name, value, found["currency"])) for name, value in shown.items() if name in _NAMES]
    terminal.table(("LIMIT", "AT MOST"), rows, empty="Only the owner of the house sees that.")


@app.command("price")
def price(
    read: Annotated[str, typer.Argument(metavar="READ", help="For a million tokens that are read")],
    written: Annotated[str, typer.Argument(metavar="WRITTEN", help="For a million tokens that are written")],
    cached: Annotated[str | None, typer.Option("--cached", metavar="amount", help="Read, but kept before")] = None,
    currency: Annotated[str, typer.Option("--currency", metavar="code", help="Three letters")] = "USD",
) -> None:
    """Say what the model costs; its provider's page has the prices.

    Example:
      oa usage price 3 15 --cached 0.30 --currency USD
    """
    draft = {
        "currency": currency.upper(),
        "input": _micro(read),
        "output": _micro(written),
        "cached": None if cached is None else _micro(cached),
    }
    opened, _, _ = signed_in()
    with opened as asked:
        asked.put("/api/model/price", draft)
    terminal.say("Money is counted by this price from now on.")


def _asked() -> Any:
    with house() as asked:
        return asked.get("/api/usage")


def _changed(changes: dict[str, int | None], *, each: bool, whole: bool) -> Any:
    """What the house says after a change of some limits; the others stay."""
    opened, _, _ = signed_in()
    with opened as asked:
        found = asked.get("/api/usage")
        if not (each or whole):
            return asked.put("/api/usage/limits", {"limits": {**found["own"], **changes}})
        before = (found["house"] or {}).get("each" if each else "limits", {})
        return asked.put("/api/usage/limits/house", {"each" if each else "house": {**before, **changes}})


def _limit(name: str, value: str) -> tuple[str, int | None]:
    """A limit as the house takes it; raises `HouseError`."""
    if value == _NONE:
        return _MONEY.get(name, name), None
    if name in _MONEY:
        return _MONEY[name], _micro(value)
    if not value.isascii() or not value.isdigit():
        raise HouseError(f"{value} is no whole number. Use digits, or none.", code=USAGE)
    return name, int(value)


def _micro(value: str) -> int:
    """Millionths of an amount such as 2.50; raises `HouseError`."""
    try:
        amount = Decimal(value) * _MICRO
        whole = int(amount)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise HouseError(f"{value} is no amount. Write it like 2.50.", code=USAGE) from error
    if amount != whole or whole < 0:
        raise HouseError(f"{value} is no amount. Write it like 2.50.", code=USAGE)
    return whole


def _period(period: dict[str, Any], currency: str) -> tuple[str, ...]:
    tokens, money = period["tokens"], period["micro"]
    return (
        _PERIODS[period["bound"]],
        f"{tokens['spent']:,}",
        _amount("tokens", tokens["limit"], currency),
        _units(money["spent"], currency),
        _amount("micro", money["limit"], currency),
    )


def _amount(name: str, value: int | None, currency: str) -> str:
    if value is None:
        return "no limit"
    return _units(value, currency) if name.endswith("micro") else f"{value:,}"


def _units(micro: int, currency: str) -> str:
    return f"{Decimal(micro) / _MICRO:,.2f} {currency}"


def _money(row: dict[str, Any]) -> str:
    return _units(row["micro"], row["currency"])
