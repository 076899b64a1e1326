"""The pages that everybody may read: home, privacy and terms, without a sign-in and without scripts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import HTMLResponse

from services.gateway import privacy, terms, welcome
from services.gateway.privacy_german import GERMAN
from services.gateway.public import CONTENT_POLICY, Spoken, spoken
from services.gateway.routes.doors import House

__all__ = ["router"]

router = APIRouter(tags=["household"], include_in_schema=False)

_READ = ["GET", "HEAD"]
_POLICIES = {each.language: each for each in (privacy.ENGLISH, GERMAN)}


async def _spoken(lang: str = "", accept_language: Annotated[str, Header()] = "") -> Spoken:
    return spoken(lang, accept_language)


Language = Annotated[Spoken, Depends(_spoken)]


@router.api_route("/welcome", methods=_READ, response_class=HTMLResponse)
async def home_page(house: House, now: Language) -> HTMLResponse:
    """What this is, what it does with accounts, and who runs it."""
    return _page(welcome.page(house.house, now, await house.installation.facts()), now)


@router.api_route("/privacy", methods=_READ, response_class=HTMLResponse)
async def privacy_page(house: House, now: Language) -> HTMLResponse:
    """What this house does at the moment, and what is kept of whom, where, how long, and who sees it."""
    policy, facts = _POLICIES[now.common.language], await house.installation.facts()
    return _page(privacy.page(house.house, now, policy, facts), now)


@router.api_route("/terms", methods=_READ, response_class=HTMLResponse)
async def terms_page(house: House, now: Language) -> HTMLResponse:
    """The operator's own terms, or the plain ones of a house that has none."""
    return _page(terms.page(house.house, now), now)


def _page(written: str, now: Spoken) -> HTMLResponse:
    headers = {
        "Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache",
        "Content-Language": now.common.language, "Vary": "Accept-Language",
    }  # fmt: skip
    return HTMLResponse(written, headers=headers)
