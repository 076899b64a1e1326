"""What the guides of providers say of this product is so: labels, messages, tools, permissions, commands, addresses.

In a guide *italics* quote: a label of this product or of a provider, or words of a message. A label of a provider
stands in `THEIRS`, since nothing here can tell whether it is still called so.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from typer.main import get_command

from deploy.generated import ROOT
from oa.__main__ import app as terminal
from openassistant.messages import AuditAction, Capability, Card, ToolCard
from services.gateway.signins import way_back

WORDS = ROOT / "services" / "gateway" / "web" / "src" / "lib" / "words" / "en"
SHORTEST_QUOTE = 3
"""Words of a message that are quoted; fewer are a label."""

GOOGLE = {"Get started", "External", "Internal", "Audience", "Publish app", "Clients", "Create client",
          "Web application", "Authorized redirect URIs", "Advanced"}  # fmt: skip
MICROSOFT = {"New registration", "Supported account types", "Redirect URI", "Web",
             "Public client/native (mobile & desktop)", "Register", "Application (client) ID", "Certificates & secrets",
             "New client secret", "Value", "Authentication", "Allow public client flows"}  # fmt: skip
THEIRS: dict[str, set[str]] = {
    "gmail": GOOGLE | {"Sent"},
    "google-calendar": GOOGLE,
    "google-drive": GOOGLE | {"Share"},
    "google-contacts": GOOGLE | {"My contacts", "Starred"},
    "outlook-mail": MICROSOFT | {"Deleted Items", "Sent Items", "In-Place Archive"},
    "outlook-calendar": MICROSOFT,
    "onedrive": MICROSOFT | {"Apps", "Recycle bin", "Version history", "Manage access", "Shared"},
    "notion": {"Internal", "Public", "Capabilities", "Add connections", "Any workspace", "OAuth client ID",
               "OAuth client secret"},
    "whatsapp": {"Connect with customers through WhatsApp", "Business", "Use cases", "Customize", "API Setup", "Users",
                 "System users", "Employee", "Generate new token", "App settings", "Basic", "Configuration",
                 "Callback URL", "Verify and save", "Publish", "Development", "Live", "sent", "delivered", "read",
                 "failed"},
}  # fmt: skip
PROVIDERS = {"gmail": "Google", "outlook": "Microsoft", "onedrive": "Microsoft", "google": "Google", "notion": "Notion",
             "whatsapp": "Meta"}  # fmt: skip
OTHER_CODE = {
    "notion": {"ntn_"},
    "onedrive": {"seen_by_others", "without_undo"},
    "google-drive": {"seen_by_others"},
    "whatsapp": {"whatsapp_business_messaging", "whatsapp_business_management", "message_template_status_update",
                 "smb_message_echoes"},
}  # fmt: skip
"""Names in the form of a tool's that are none: parameters, and names at the provider."""
_CODE = re.compile(r"`([^`]+)`")
_ITALICS = re.compile(r"(?<![*\w])\*([^*\s](?:[^*]*[^*\s])?)\*(?![*\w])")


@dataclass(frozen=True)
class Guide:
    """A guide of a provider's service, and what the product says of that service."""

    name: str
    text: str
    card: Card

    @property
    def provider(self) -> str:
        """Whose service it is."""
        return PROVIDERS.get(self.name) or PROVIDERS[self.name.partition("-")[0]]

    @property
    def capabilities(self) -> Mapping[str, Capability]:
        """What may be ticked."""
        return self.card.auth.oauth2.capabilities if self.card.auth.oauth2 else {}

    def rows(self, *columns: str) -> Iterator[dict[str, str]]:
        """The rows of the tables that have these columns."""
        for table in re.findall(r"(?:^\|.*\n)+", self.text, re.MULTILINE):
            head, _, *body = (re.split(r"\s*(?<!\\)\|\s*", line)[1:-1] for line in table.splitlines())
            if set(columns) <= set(head):
                yield from (dict(zip(head, cells, strict=True)) for cells in body)

    def quoted(self) -> list[str]:
        """What stands in italics, each once, on one line."""
        plain = re.sub(r"```.*?```|`[^`]*`|\*\*", "", self.text, flags=re.DOTALL)
        return sorted({" ".join(each.split()) for each in _ITALICS.findall(plain)})

    def code(self) -> list[str]:
        """What stands as code within lines."""
        return [" ".join(each.split()) for each in _CODE.findall(re.sub(r"```.*?```", "", self.text, flags=re.DOTALL))]


def guides() -> Iterator[Guide]:
    for name in THEIRS:
        card = Card.model_validate_json((ROOT / "connectors" / name.replace("-", "_") / "card.json").read_text())
        yield Guide(name, (ROOT / "docs" / "guides" / f"{name}.md").read_text(), card)


each_guide = pytest.mark.parametrize("guide", list(guides()), ids=lambda guide: guide.name)


def _words() -> str:
    return "\n".join(path.read_text() for path in sorted(WORDS.glob("*.ts")))


@cache
def words() -> tuple[str, ...]:
    """Every text of the web interface; what is filled in stands as {}."""
    found = re.findall(r"'((?:[^'\\\n]|\\.)*)'|`([^`]*)`", _words())
    return tuple(re.sub(r"\$\{[^}]*\}", "{}", one or other) for one, other in found)


@cache
def messages(folder: Path) -> tuple[str, ...]:
    """Every text of Python code that is no docstring; what is filled in stands as {}."""
    return tuple(each for path in sorted(folder.rglob("*.py")) for each in _texts(ast.parse(path.read_text())))


def _texts(tree: ast.Module) -> Iterator[str]:
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in within | alone:
            yield node.value


def labels(guide: Guide) -> set[str]:
    """What may stand on a button, at a field or above a page where this service is connected."""
    schemas = (guide.card.settings_schema, guide.card.secrets_schema)
    fields = {each["title"] for schema in schemas for each in schema.get("properties", {}).values()}
    titles = {each.title for each in guide.capabilities.values()}
    return {filled(each, guide) for each in words()} | fields | titles | {guide.card.name}


def told(guide: Guide) -> str:
    """Whatever may be said of this service, one text a line."""
    folders = [ROOT / "sdk", ROOT / "services" / "vault", ROOT / "services" / "gateway"]
    said = [each for folder in (*folders, ROOT / "connectors" / guide.card.id) for each in messages(folder)]
    hints = [guide.card.auth.oauth2.trial_hint] if guide.card.auth.oauth2 else []
    return "\n".join(filled(each.replace("\n", " "), guide) for each in [*words(), *said, *hints])


def filled(text: str, guide: Guide) -> str:
    """A text with the provider's name in each of its gaps."""
    return text.replace("{}", guide.provider)


def is_said(quote: str, said: str) -> bool:
    """Whether one text has the parts of a quote in their order; `…` stands for what is left out."""
    return re.search("[^\n]*".join(map(re.escape, re.split(r"\s*…\s*", quote))), said) is not None


@each_guide
def test_each_label_and_message_that_is_quoted_is_one_of_the_product_or_known_as_the_providers(guide: Guide) -> None:
    ours, said = labels(guide), told(guide)

    def stands(quote: str) -> bool:
        return quote in ours or (len(quote.split()) >= SHORTEST_QUOTE and is_said(quote, said))

    assert [quote for quote in guide.quoted() if quote not in THEIRS[guide.name] and not stands(quote)] == []
    assert THEIRS[guide.name] - set(guide.quoted()) == set(), "not quoted any more"


@each_guide
def test_what_helps_is_said_of_words_that_the_product_or_the_provider_says(guide: Guide) -> None:
    [column] = {"what is said", "it says", "what you see"} & set(re.split(r"\s*\|\s*", guide.text))
    rows = [row[column] for row in guide.rows(column)]
    theirs = ("AADSTS", "Tests arrive", "*Verify and save* fails")
    assert len(rows) >= 10
    assert [row for row in rows if not _ITALICS.search(row) and not row.strip("`").startswith(theirs)] == []


@each_guide
def test_each_permission_is_in_the_table_as_it_is_asked_for(guide: Guide) -> None:
    rows = {row["you tick"]: row for row in guide.rows("you tick")}
    assert list(rows) == [each.title for each in guide.capabilities.values()]
    for each in guide.capabilities.values():
        row = rows[each.title]
        scopes = {scope.rpartition("/")[2] for scope in each.scopes}
        assert scopes == set(_CODE.findall(row.get("scopes") or row.get("Microsoft's permission") or "")), each.title
        assert row.get("Google's class", each.review) == each.review
        assert row["ticked to begin with"] == ("yes" if each.chosen else "no"), each.title


@each_guide
def test_each_tool_is_in_the_table_with_its_effect(guide: Guide) -> None:
    known = {tool.name: tool for tool in guide.card.tools}
    listed: dict[str, str] = {}
    for row in guide.rows("tool", "effect"):
        names = _CODE.findall(row["tool"])
        effects = row["effect"].split(", ")
        each = effects if len(effects) == len(names) else [row["effect"]] * len(names)
        listed |= dict(zip(names, each, strict=True))
    assert listed.keys() - known.keys() == set()
    assert known.keys() - listed.keys() <= {"actions_undo"}
    assert {name for name, effect in listed.items() if not tells(effect, known[name])} == set()


def tells(effect: str, tool: ToolCard) -> bool:
    """Whether a table's cell names a tool's effect first, and another one only where the effect may rise."""
    named = re.findall(r"\b(read|write|send|delete)\b", effect)
    return named[:1] == [tool.effect] and (len(named) == 1 or tool.rises)


@each_guide
def test_each_name_in_the_form_of_a_tools_is_one(guide: Guide) -> None:
    known = {tool.name for tool in guide.card.tools} | OTHER_CODE.get(guide.name, set())
    assert [each for each in guide.code() if re.fullmatch(r"[a-z]+(_[a-z]*)+", each) and each not in known] == []


@each_guide
def test_each_command_of_the_message_box_is_one_of_the_service(guide: Guide) -> None:
    commands = [each[1:] for each in guide.code() if re.fullmatch(r"/[a-z]+", each)]
    assert set(commands) <= guide.card.commands.keys()


@each_guide
def test_each_command_of_the_terminal_exists_with_its_flags_and_knows_the_service(guide: Guide) -> None:
    for command in (each.split()[1:] for each in guide.code() if each.startswith("oa ")):
        found, rest = get_command(terminal), command
        while rest and hasattr(found, "commands"):
            assert rest[0] in found.commands, command
            found, rest = found.commands[rest[0]], rest[1:]
        flags = {flag for parameter in found.params for flag in parameter.opts}
        assert {each for each in rest if each.startswith("-")} <= flags, command
        assert rest[:1] == [guide.card.id], command
        allowed = {name for flag, name in pairwise(rest) if flag == "--allow"}
        assert allowed <= guide.capabilities.keys(), command


@each_guide
def test_the_address_to_come_back_to_is_the_one_that_the_house_names(guide: Guide) -> None:
    named = [each for each in guide.code() if each.endswith("/callback")]
    assert set(named) == ({way_back("http://127.0.0.1:8080")[0]} if guide.card.auth.oauth2 else set())


@each_guide
def test_where_an_interface_is_switched_on_is_the_page_that_the_house_links(guide: Guide) -> None:
    links = set(re.findall(r"\]\((https://[^)\s]+)\)", guide.text))
    assert {each.api_url for each in guide.capabilities.values() if each.api_url} <= links
    for each in guide.capabilities.values():
        assert each.api in guide.text


@pytest.mark.parametrize("provider", ["Google", "Microsoft"])
def test_a_house_is_registered_in_the_same_words_whatever_is_connected(provider: str) -> None:
    def steps(guide: Guide) -> str:
        text = guide.text.partition("## Register ")[2].partition("\n## What you tick")[0]
        apis = {name for each in guide.capabilities.values() for name in (each.api, each.api_url)}
        for name in sorted({guide.card.name, guide.card.id} | apis, key=len, reverse=True):
            text = text.replace(name, "")
        return " ".join(re.sub(r"(know again)[^*]*?(?=\d\. )|Accounts under .*", r"\1", text, flags=re.DOTALL).split())

    told_steps = {steps(each) for each in guides() if each.provider == provider}
    assert len(told_steps) == 1
    assert all("Keep the registration" in each for each in told_steps)


def test_each_step_of_the_record_has_words_for_people() -> None:
    ours = set(re.findall(r"'([a-z_]+\.[a-z_]+)': '", _words()))
    assert {str(each) for each in AuditAction} <= ours


def test_a_label_that_was_renamed_a_message_and_an_effect_are_noticed() -> None:
    card = json.loads((ROOT / "connectors" / "gmail" / "card.json").read_text())
    [search] = [each for each in card["tools"] if each["name"] == "messages_search"]
    guide = Guide("gmail", "Press *Keep the registration*, then *Keep it in mind*.", Card.model_validate(card))
    assert guide.quoted() == ["Keep it in mind", "Keep the registration"]
    assert [each for each in guide.quoted() if each in labels(guide)] == ["Keep the registration"]
    assert is_said("Google asks … pause", told(guide))
    assert not is_said("Google asks for a rest", told(guide))
    assert tells("read", ToolCard.model_validate(search))
    assert not tells("write", ToolCard.model_validate(search))
