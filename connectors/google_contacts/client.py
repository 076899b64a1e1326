"""Google's People API (v1) as the connector asks it.

https://developers.google.com/people/api/rest

Changes of one account go one after the other, as Google asks for. A list that was read on from a token has to be asked
for with the same parameters as before, so they stand here once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple
from weakref import WeakValueDictionary

from connectors.google_contacts.account import base_of, owner_of
from connectors.google_contacts.people import CONTACT_MASK, OTHER_MASK, Item, Person, person_of, writable
from openassistant.connector import Context
from openassistant.errors import Conflict, InvalidRequest, NotFound, OaError, UpstreamFailed
from openassistant.providers.google import GoogleApi

__all__ = ["MARK", "Kind", "Page", "PeopleApi", "is_stale"]

Kind = Literal["contact", "other"]
MARK = "open-assistant-call"
"""The key of the client data (invisible to the owner) by which a contact names the call that made it."""

_CONTACTS = "READ_SOURCE_TYPE_CONTACT"
_PATHS = {"contact": "people/me/connections", "other": "otherContacts"}
_NAMED = {"contact": "connections", "other": "otherContacts"}
_LISTS: dict[str, dict[str, str]] = {
    "contact": {"personFields": CONTACT_MASK, "sources": _CONTACTS},
    "other": {"readMask": OTHER_MASK, "sources": _CONTACTS},
}
_PAGE = 1000
_LARGEST = 64 * 1024 * 1024
_MOST_FOUND = 30
_BATCH = 200
_LATEST = 100
_MOST_LATEST_PAGES = 5
_MOST_GROUP_PAGES = 20
_changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()


class Page(NamedTuple):
    """People of one page. `next` leads on; without one, `token` is where the next pass goes on ("" for nowhere)."""

    people: list[Person]
    next: str
    token: str
    total: int | None


class PeopleApi:
    """One account's contacts."""

    def __init__(self, api: GoogleApi, owner: str) -> None:
        self._api, self._owner = api, owner

    @classmethod
    async def of(cls, ctx: Context) -> PeopleApi:
        """The API of a call's account."""
        return cls(GoogleApi(ctx.http, await base_of(ctx)), owner_of(ctx))

    async def page(self, kind: Kind, *, page: str = "", token: str = "") -> Page:
        """A page of all contacts or collected addresses, or of those that changed since a sync token."""
        asked = {**_LISTS[kind], "pageSize": str(_PAGE), "requestSyncToken": "true"}
        asked |= {"pageToken": page} if page else {}
        asked |= {"syncToken": token} if token else {}
        found = await self._api.call("GET", _PATHS[kind], params=asked, limit=_LARGEST)
        total = found.get("totalItems", found.get("totalSize"))
        return Page(
            _people(found.get(_NAMED[kind]), kind),
            str(found.get("nextPageToken") or ""),
            str(found.get("nextSyncToken") or ""),
            total if isinstance(total, int) else None,
        )

    async def try_list(self, kind: Kind) -> int | None:
        """How many there are; the smallest question that needs the permission."""
        mask = {"contact": {"personFields": "metadata"}, "other": {"readMask": "metadata"}}[kind]
        found = await self._api.get(_PATHS[kind], pageSize="1", sources=_CONTACTS, **mask)
        total = found.get("totalItems", found.get("totalSize"))
        return total if isinstance(total, int) else None

    async def groups(self) -> list[dict[str, Any]]:
        """All contact groups."""
        found: list[dict[str, Any]] = []
        pages = 0
        async for page in self._api.pages("contactGroups", pageSize=str(_PAGE), groupFields="name,groupType,metadata"):
            listed = page.get("contactGroups")
            found += [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
            if (pages := pages + 1) >= _MOST_GROUP_PAGES:
                break
        return found

    async def search(self, kind: Kind, query: str) -> list[Person]:
        """At most 30 people with a beginning of a word; Google wants its memory woken by an empty question first."""
        path = "people:searchContacts" if kind == "contact" else "otherContacts:search"
        mask = CONTACT_MASK if kind == "contact" else OTHER_MASK
        more = {"sources": _CONTACTS} if kind == "contact" else {}
        await self._api.get(path, query="", readMask=mask, pageSize="1", **more)
        found = await self._api.get(path, query=query, readMask=mask, pageSize=str(_MOST_FOUND), **more)
        results = found.get("results")
        listed = [each.get("person") for each in results if isinstance(each, dict)] if isinstance(results, list) else []
        return _people(listed, kind)[:_MOST_FOUND]

    async def get(self, contact: str) -> Person | None:
        """A contact as it is now; None when there is none (any more), or when the id is that of the owner's profile."""
        if contact == "me":
            return None
        try:
            found = await self._api.get(f"people/{contact}", personFields=CONTACT_MASK, sources=_CONTACTS)
        except NotFound:
            return None
        return person_of(found)

    async def get_all(self, contacts: Sequence[str]) -> list[Person]:
        """At most 200 contacts as they are now; those that are gone are left out."""
        names = [f"people/{each}" for each in contacts[:_BATCH]]
        found = await self._api.get(
            "people:batchGet", resourceNames=names, personFields=CONTACT_MASK, sources=_CONTACTS
        )
        answers = found.get("responses")
        listed = [each.get("person") for each in answers if isinstance(each, dict)] if isinstance(answers, list) else []
        return _people(listed, "contact")

    async def latest(self) -> AsyncIterator[Person]:
        """The contacts that changed last, newest first, with the marks of calls; at most 500."""
        asked = {"personFields": f"{CONTACT_MASK},clientData", "sources": _CONTACTS, "pageSize": str(_LATEST)}
        pages = 0
        async for page in self._api.pages(_PATHS["contact"], sortOrder="LAST_MODIFIED_DESCENDING", **asked):
            for each in _people(page.get("connections"), "contact"):
                yield each
            if (pages := pages + 1) >= _MOST_LATEST_PAGES:
                return

    async def create(self, fields: dict[str, list[Item]], mark: str) -> Person:
        """A new contact that names the call that made it."""
        body = {**_written(fields), "clientData": [{"key": MARK, "value": mark}]}
        asked = {"personFields": CONTACT_MASK, "sources": _CONTACTS}
        return await self._changed("POST", "people:createContact", params=asked, json=body)

    async def update(self, person: Person, fields: dict[str, list[Item]]) -> Person:
        """A contact with these fields in the place of its own; raises `Conflict` when it changed since."""
        source = {"type": "CONTACT", "id": person.source, "etag": person.source_etag or person.etag}
        metadata = {"sources": [{name: value for name, value in source.items() if value}]}
        body = {"resourceName": f"people/{person.id}", "etag": person.etag, "metadata": metadata, **_written(fields)}
        asked = {"updatePersonFields": ",".join(fields), "personFields": CONTACT_MASK, "sources": _CONTACTS}
        try:
            return await self._changed("PATCH", f"people/{person.id}:updateContact", params=asked, json=body)
        except InvalidRequest as error:
            if not is_stale(error):
                raise
            raise Conflict("It was changed at Google meanwhile, so nothing was done. Look again.") from error

    async def delete(self, contact: str) -> None:
        """Deletes a contact; one that is gone is deleted."""
        async with self._alone():
            with contextlib.suppress(NotFound):
                await self._api.call("DELETE", f"people/{contact}:deleteContact")

    async def copy(self, other: str) -> Person:
        """A contact made of a collected address."""
        body = {"copyMask": OTHER_MASK.removesuffix(",metadata"), "readMask": CONTACT_MASK, "sources": [_CONTACTS]}
        path = f"otherContacts/{other}:copyOtherContactToMyContactsGroup"
        return await self._changed("POST", path, json=body)

    async def regroup(self, group: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> tuple[int, int]:
        """Changes who is in a group; gives how many were not found, and how many have to stay."""
        body = {
            "resourceNamesToAdd": [f"people/{each}" for each in add],
            "resourceNamesToRemove": [f"people/{each}" for each in remove],
        }
        async with self._alone():
            found = await self._api.call("POST", f"contactGroups/{group}/members:modify", json=body)
        missing, kept = found.get("notFoundResourceNames"), found.get("canNotRemoveLastContactGroupResourceNames")
        return len(missing) if isinstance(missing, list) else 0, len(kept) if isinstance(kept, list) else 0

    async def _changed(self, method: str, path: str, **options: Any) -> Person:
        async with self._alone():
            found = person_of(await self._api.call(method, path, **options))
        if found is None:
            raise UpstreamFailed("Google answered with something else than the contact. Please check there.")
        return found

    def _alone(self) -> asyncio.Lock:
        return _changing.setdefault(self._owner, asyncio.Lock())


def is_stale(error: OaError) -> bool:
    """Whether Google refused a change because the contact is another one by now."""
    return str(error.details.get("provider_reason", "")).replace("_", "").lower() == "failedprecondition"


def _people(listed: Any, kind: Kind) -> list[Person]:
    found = (person_of(each, kind) for each in listed) if isinstance(listed, list) else ()
    return [each for each in found if each is not None]


def _written(fields: dict[str, list[Item]]) -> dict[str, list[Item]]:
    return {field: writable(field, items) for field, items in fields.items()}
