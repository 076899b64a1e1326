"""What comes back from an OpenID provider: whom it lets into this house, and what somebody new is called."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from openassistant.openid import OpenIdWho
from services.gateway.problems import invalid

__all__ = ["Rule", "admits", "answer_in", "check_rule", "names_of", "plain"]


class Rule(NamedTuple):
    """A provider of this house: whom it lets in."""

    id: str
    label: str
    issuer: str
    claim: str
    allowed: tuple[str, ...]
    joins: str


def check_rule(rule: Rule) -> None:
    """Raises `InvalidRequest` for a rule that lets in everybody in the world, or nobody."""
    if rule.claim and not rule.allowed:
        raise invalid("Say whom it lets in.", allowed="At least one value.")
    if rule.allowed and not rule.claim:
        raise invalid("Say which claim has to hold that.", claim="Such as email or groups.")
    if rule.joins == "members" and not rule.claim:
        raise invalid(
            "Who is not known here becomes a member only under a condition.", claim="Such as email or groups."
        )
    if rule.claim == "email" and any("@" not in each for each in rule.allowed):
        raise invalid("An address has an @.", allowed="Whole addresses, or @ and a domain: @home.example.")


def admits(rule: Rule, claims: dict[str, Any]) -> bool:
    """Whether a provider's rule lets somebody in; an address counts only where the provider has verified it."""
    if not rule.claim:
        return True
    told = claims.get(rule.claim)
    if rule.claim == "email":
        if claims.get("email_verified") not in (True, "true") or not isinstance(told, str):
            return False
        address, wanted = told.casefold(), [each.casefold() for each in rule.allowed]
        return address in wanted or any(each[:1] == "@" and _domain(address) == each[1:] for each in wanted)
    values = told if isinstance(told, list) else [told]
    return any(isinstance(each, str) and each in rule.allowed for each in values)


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def names_of(who: OpenIdWho) -> list[str]:
    """User names to try for somebody new, the best one first; other words of the provider are not used for it."""
    told = who.claims.get("preferred_username") or who.claims.get("email") or ""
    plain = unicodedata.normalize("NFKC", str(told)).partition("@")[0]
    base = re.sub(r"[^\w.+-]+", "-", plain).strip("-_.+")[:50] or "guest"
    return [base, *(f"{base}{number}" for number in range(2, 100))]


def plain(words: str) -> str:
    """A name without what is no letter, sign or space of a line."""
    return "".join(each for each in words if unicodedata.category(each)[0] != "C").strip()


def answer_in(address: str) -> dict[str, str]:
    """What a provider put into the address; raises `InvalidRequest`."""
    found = parse_qs(urlsplit(address.strip()).query)
    given = {name: values[0] for name, values in found.items() if len(values) == 1}
    if "state" not in given or not ("code" in given or "error" in given):
        raise invalid("That is not the address that the provider sent you to.", address="Begin again.")
    return given
