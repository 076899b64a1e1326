"""The privacy policy, for everybody: without a sign-in and without scripts, in English or German."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import HTMLResponse

from services.gateway.privacy import ENGLISH, STYLE_HASH, page
from services.gateway.privacy_german import GERMAN
from services.gateway.routes.doors import House

__all__ = ["router"]

router = APIRouter(tags=["household"], include_in_schema=False)

_POLICY = f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
_POLICIES = {each.language: each for each in (ENGLISH, GERMAN)}


@router.get("/privacy", response_class=HTMLResponse)
async def privacy(house: House, lang: str = "", accept_language: Annotated[str, Header()] = "") -> HTMLResponse:
    """What is kept of whom, where, how long, and who sees it: in the language that is named, or the browser's."""
    policy = _POLICIES.get(lang) or _POLICIES[_preferred(accept_language)]
    others = tuple(each for each in _POLICIES.values() if each is not policy)
    headers = {
        "Content-Security-Policy": _POLICY, "Cache-Control": "no-cache", "Content-Language": policy.language,
        "Vary": "Accept-Language",
    }  # fmt: skip
    return HTMLResponse(page(house.house, policy, others=others), headers=headers)


def _preferred(accepted: str) -> str:
    """Which of the languages here a browser likes best (RFC 9110, 12.5.4); English where it likes none of them."""
    liked: dict[str, float] = {}
    for each in accepted[:1000].split(","):
        tag, _, weight = each.partition(";")
        language = tag.strip().lower().partition("-")[0]
        liked[language] = max(liked.get(language, 0), _weight(weight))
    best = max(_POLICIES, key=lambda language: liked.get(language, 0))
    return best if liked.get(best) else ENGLISH.language


def _weight(written: str) -> float:
    """`q=0.8` as a number: 1 where none is written, 0 where it is none."""
    name, _, number = written.strip().partition("=")
    if not name:
        return 1
    try:
        return float(number) if name.strip().lower() == "q" else 0
    except ValueError:
        return 0
