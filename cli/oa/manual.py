"""How help looks: plain text in sections, most used first, with examples that can be pasted; no boxes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

__all__ = ["Commands"]

_WIDTH = 100
_EXAMPLES = ("Example:", "Examples:")
Row = tuple[str, str]


class Commands(typer.Typer):
    """A group of commands, or the whole program, with this module's help."""

    def __init__(self, **more: Any) -> None:
        plain: dict[str, Any] = {"no_args_is_help": True, "rich_markup_mode": None, "pretty_exceptions_enable": False}
        super().__init__(cls=_Group, **{**plain, **more})

    def command(self, *names: Any, **more: Any) -> Callable[[Any], Any]:
        """As typer's own."""
        return super().command(*names, **{"cls": _Command, **more})


class _Command(TyperCommand):
    """One command."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the whole page."""
        arguments = [each for each in self.params if each.param_type_name == "argument"]
        usage = " ".join([ctx.command_path, *map(_argument, arguments), "[flags]"])
        _write(formatter, self, ctx, usage, [("ARGUMENTS", [(_argument(each), _said(each)) for each in arguments])])


class _Group(TyperGroup):
    """A group, its commands under their headings in the order in which they were added."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the whole page."""
        sections: dict[str, list[Row]] = {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                heading = f"{getattr(command, 'rich_help_panel', None) or ''} COMMANDS".strip().upper()
                sections.setdefault(heading, []).append((f"{name}:", _first(command.help)))
        _write(formatter, self, ctx, f"{ctx.command_path} <command> [flags]", sections.items())

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which they were added, not the alphabet's."""
        return list(self.commands)


def _write(formatter: Any, command: Any, ctx: Any, usage: str, sections: Iterable[tuple[str, list[Row]]]) -> None:
    prose, examples = _split(command.help or "")
    options = [each for each in command.get_params(ctx) if each.param_type_name == "option" and not each.hidden]
    blocks = [*(_filled(each) for each in prose), f"USAGE\n  {usage}"]
    rows = [*sections, ("FLAGS", [(_flag(each), _said(each)) for each in options])]
    blocks += [f"{heading}\n{_table(each)}" for heading, each in rows if each]
    if examples:
        blocks.append("EXAMPLES\n" + textwrap.indent(textwrap.dedent(examples), "  $ "))
    if command.epilog:
        blocks.append(command.epilog)
    formatter.write("\n\n".join(blocks) + "\n")


def _split(text: str) -> tuple[list[str], str]:
    """The paragraphs of a docstring, and the commands under its Examples."""
    prose, examples = [], ""
    for paragraph in text.strip().split("\n\n"):
        heading, _, rest = paragraph.partition("\n")
        if heading.strip() in _EXAMPLES:
            examples = rest
        else:
            prose.append(paragraph)
    return prose, examples


def _filled(paragraph: str) -> str:
    return textwrap.fill(" ".join(paragraph.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(rows: list[Row]) -> str:
    """Two columns; what does not fit goes on under the second."""
    left = max(len(name) for name, _ in rows) + 4
    return "\n".join(
        textwrap.fill(
            said,
            _WIDTH,
            initial_indent=f"  {name}".ljust(left),
            subsequent_indent=" " * left,
            break_on_hyphens=False,
            break_long_words=False,
        )
        if said
        else f"  {name}"
        for name, said in rows
    )


def _first(text: str | None) -> str:
    return " ".join((text or "").strip().split("\n\n")[0].split()).split(". ")[0].rstrip(".")


def _argument(param: Any) -> str:
    several = "..." if param.nargs == -1 else ""
    name = f"<{(param.metavar or param.name).lower()}>{several}"
    return name if param.required else f"[{name}]"


def _flag(param: Any) -> str:
    """Such as `-u, --user string`."""
    short = next((each for each in param.opts if not each.startswith("--")), None)
    long = next(each for each in param.opts if each.startswith("--"))
    value = "" if param.is_flag else param.metavar or "string"
    return f"{short + ', ' if short else '    '}{long} {value}".rstrip()


def _said(param: Any) -> str:
    """The help of a parameter, with its default where it has one that says something."""
    given = param.default
    default = f"(default {given})" if isinstance(given, int | str) and not param.is_flag and given else ""
    text = " ".join((param.help or "").split()).rstrip(".")
    return " ".join(each for each in (text, default, "(required)" if _asked(param) else "") if each)


def _asked(param: Any) -> bool:
    return bool(param.required) and param.param_type_name == "option"
