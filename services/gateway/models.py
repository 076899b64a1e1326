"""The model that answers in this house: one choice for all in it. Its key is in the vault, bound to an address."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import datetime
from typing import Any, Literal, get_args

from openassistant.budgets import FREE, Price
from openassistant.bus import Bus
from openassistant.context import Clock
from openassistant.errors import Internal, InvalidRequest, NotFound, OaError
from openassistant.messages import Account, AuditAction, Id, ModelRef, ToolMode, Wire
from services.gateway import endpoints, views
from services.gateway.accounts import MODEL_CONNECTOR
from services.gateway.discovery import USUAL, Candidate, Discovery
from services.gateway.house import HouseRules
from services.gateway.ledger import Ledger
from services.gateway.locality import is_local, require_near
from services.gateway.preferences import Preferences
from services.gateway.preset import Mark, Preset
from services.gateway.probes import Probes
from services.gateway.problems import invalid
from services.gateway.sessions import SignedIn
from services.gateway.users import Users
from services.gateway.vault import Vault
from services.gateway.wayout import WayOut

__all__ = ["Models", "OwnServer"]

_NAME = "model"
_Slot = Literal["current", "private"]
_SLOTS: tuple[_Slot, ...] = get_args(_Slot)
_BY_PROVIDER = re.compile(r"[A-Za-z0-9_.-]+/\S+")
_SETTINGS = {"model": "OA_MODEL", "base_url": "OA_MODEL_BASE_URL", "api_key": "OA_MODEL_API_KEY_FILE"}

_log = logging.getLogger("openassistant.gateway")


class _Target(Wire):
    """A model, and where it is asked."""

    kind: Literal["openai", "litellm"]
    model: str
    base_url: str | None = None

    @property
    def receiver(self) -> tuple[str, ...]:
        """Who gets the key: an address, and for litellm the provider too, which decides what is sent there."""
        provider = self.model.partition("/")[0].lower() if self.kind == "litellm" else ""
        return (self.kind, provider, self.base_url or "")

    @property
    def host(self) -> str | None:
        return endpoints.host_of(self.base_url) if self.base_url else None


class _Tested(Wire):
    """What the newest test of a model came to; `listed` is the price that the model client's own list knows."""

    mode: ToolMode
    detail: str
    at: datetime
    listed: Price | None = None


class OwnServer(Wire):
    """A model server that runs together with this house, at another port after each start; `window` is in tokens."""

    base_url: str
    model: str
    window: int | None = None


class _Choice(_Target):
    """`account` is the vault's account that holds the key, `owner` whose it is; `window` is in tokens.

    `own`: it is the house's own server, wherever that listens now. `local` is the owner's mark, if he gave one.
    """

    window: int | None = None
    account: Id | None = None
    owner: Id
    own: bool = False
    tested: _Tested | None = None
    price: Price | None = None
    local: bool | None = None

    async def ref(self) -> ModelRef:
        """The choice as a turn uses it; a name is looked up each time, for it may lead elsewhere by now."""
        mode, price = self.tested.mode if self.tested else "unknown", self.priced()
        plain = self.model_dump(exclude={"owner", "own", "tested", "price", "local"})
        return ModelRef(**plain, mode=mode, price=price[0] if price else None, local=await self.is_local())

    async def is_local(self) -> bool:
        """Whether what it reads stays on the owner's own machines."""
        return await is_local(self.kind, self.model, self.base_url, mark=self.local)

    def priced(self) -> tuple[Price, Literal["owner", "local", "list"]] | None:
        """What it costs, and who says so; None where nobody knows."""
        if self.price:
            return self.price, "owner"
        if self.base_url and endpoints.is_near(self.base_url):
            return FREE, "local"
        return (self.tested.listed, "list") if self.tested and self.tested.listed else None

    def is_same(self, other: _Choice | None) -> bool:
        """Whether it is the same model at the same place, so that what a test found of one holds of the other."""
        return other is not None and (self.receiver, self.model) == (other.receiver, other.model)


class _State(Wire):
    """`private` is the local model for what `current` must not see."""

    current: _Choice | None = None
    private: _Choice | None = None
    preset: Mark | None = None

    def of(self, slot: _Slot) -> _Choice | None:
        """The choice in a slot."""
        return self.current if slot == "current" else self.private


class Models:
    """One value in the room's store says what was chosen; a key is stored before it, and destroyed after it."""

    def __init__(
        self,
        bus: Bus,
        preferences: Preferences,
        vault: Vault,
        ledger: Ledger,
        users: Users,
        *,
        probes: Probes,
        way: WayOut,
        clock: Clock,
        preset: Preset | None = None,
        own_port: int | None = None,
        own: OwnServer | None = None,
        discovery: Discovery | None = None,
        rules: HouseRules | None = None,
    ) -> None:
        self._rules = rules or HouseRules()
        self._bus, self._preferences, self._vault = bus, preferences, vault
        self._ledger, self._users, self._preset = ledger, users, preset
        self._own, self._way = own, way
        way.models = self.both
        self._discovery = discovery or Discovery(own_port=own_port, candidates=_candidates(own))
        self._probes, self._clock = probes, clock
        self._lock = asyncio.Lock()
        self._testing: _Choice | None = None

    async def settings(self, me: SignedIn) -> views.ModelSettings:
        """The present choice without its key; for the owner, who may change it, also the servers found here."""
        testing = self._testing  # asked first: a test that ends meanwhile has its result in what is read then
        state = await self._state()
        found = await self._discovery.servers() if me.user.role == "owner" else ()
        shown = [await self._shown(each, testing) if each else None for each in (state.current, state.private)]
        return views.ModelSettings(current=shown[0], private=shown[1], found=found)

    async def ref(self, user: str) -> ModelRef | None:
        """The model for a turn of any user of this house."""
        return await self.chosen()

    async def chosen(self) -> ModelRef | None:
        """The model of this house."""
        current = (await self._state()).current
        return await current.ref() if current and self._lets(current) else None

    async def both(self) -> list[ModelRef]:
        """The models of this house that may be asked."""
        state = await self._state()
        return [await each.ref() for each in (state.current, state.private) if each and self._lets(each)]

    async def private(self, user: str) -> ModelRef | None:
        """The local model for what the chosen one must not see."""
        private = (await self._state()).private
        return await private.ref() if private and self._lets(private) else None

    async def forget_key_of(self, user: str) -> None:
        """Chosen models do without the key of somebody who leaves: it goes with him."""
        async with self._lock:
            state, heir = await self._state(), await self._heir(user)
            theirs = [slot for slot in _SLOTS if (each := state.of(slot)) and each.owner == user]
            if theirs and heir:
                without = {"account": None, "owner": heir}
                kept = {str(slot): each.model_copy(update=without) for slot in theirs if (each := state.of(slot))}
                await self._save(state.model_copy(update=kept))

    async def _heir(self, user: str) -> str | None:
        everybody = await self._users.everybody()
        return next((each.id for each in everybody if each.role == "owner" and each.id != user), None)

    def _lets(self, target: _Target) -> bool:
        return self._rules.lets_model(target.model, target.host)

    def _require(self, target: _Target) -> None:
        """Raises `InvalidRequest` naming the field for a model that who runs the house does not allow."""
        if not self._lets(target):
            words = "Who runs this house does not allow that model. About this house lists those that he does."
            raise invalid(words, model=words)

    async def _shown(self, choice: _Choice, testing: _Choice | None) -> views.ModelChoice:
        return _view(choice, testing=choice.is_same(testing), local=await choice.is_local())

    async def price(self) -> Price | None:
        """What the chosen model costs, as far as it is known."""
        current = (await self._state()).current
        priced = current.priced() if current else None
        return priced[0] if priced else None

    async def set_price(self, me: SignedIn, draft: views.PriceDraft | None) -> None:
        """Says what the chosen model costs, or leaves it to what is known; raises `NotFound` where none is chosen."""
        async with self._lock:
            state = await self._state()
            if state.current is None:
                raise NotFound("No model is set. Choose one first.")
            price = Price(**draft.model_dump()) if draft else None
            chosen = state.current.model_copy(update={"price": price})
            await self._note(chosen)
            await self._save(state.model_copy(update={"current": chosen}))

    async def choose(self, me: SignedIn, draft: views.ModelDraft) -> None:
        """Chooses, and begins a test; raises `InvalidRequest` naming the field.

        A key that is not given anew stays at its address.
        """
        async with self._lock:
            target = _target(draft)
            self._require(target)
            if draft.local:
                await require_near(target.base_url)
            chosen = await self._take(me.user.id, draft, target, await self._state(), keep=True)
        self._begin_test(me.user.id, chosen)

    async def choose_private(self, me: SignedIn, draft: views.ModelDraft) -> None:
        """Chooses the local model for what the other must not see, and begins a test; raises as `choose`.

        One that is not local is refused with `InvalidRequest`.
        """
        async with self._lock:
            target = _target(draft)
            self._require(target)
            await require_near(target.base_url)
            if not await is_local(target.kind, target.model, target.base_url, mark=draft.local):
                raise invalid(
                    "That model is not local.", model="This model is computed in a cloud. Choose another one."
                )
            chosen = await self._take(me.user.id, draft, target, await self._state(), keep=True, slot="private")
        self._begin_test(me.user.id, chosen)

    async def test(self, me: SignedIn, *, slot: _Slot = "current") -> None:
        """Begins to ask a chosen model a few short questions; raises `NotFound` where none is chosen."""
        choice = (await self._state()).of(slot)
        if choice is None:
            raise NotFound("No model is set. Choose one first.")
        self._require(choice)
        self._begin_test(me.user.id, choice)

    async def check(self, probe: views.ModelProbe) -> views.ModelCheck:
        """Asks a server what it offers; raises `InvalidRequest` naming the field. A stored key is not used."""
        target = _target(probe)
        self._require(target)
        if target.base_url is None or target.kind == "litellm":
            return views.ModelCheck(ok=True, detail=f"{target.model} will be tried with your next message.")
        current = (await self._state()).current
        stored = current is not None and current.account is not None and current.receiver == target.receiver
        key = probe.api_key or None
        async with self._way.opened(target.base_url):
            return await endpoints.ask(
                target.base_url, model=target.model, key=key, stored=stored, egress=self._way.egress
            )

    async def remove(self, me: SignedIn, *, slot: _Slot = "current") -> None:
        """Forgets a choice and destroys its key; raises `Unavailable` while the key is still there."""
        async with self._lock:
            state = await self._state()
            if state.of(slot):
                content = {"kind": None, "model": None, "host": None, **_slot_note(slot)}
                await self._ledger.note(AuditAction.MODEL_CHANGED, user=me.user.id, outcome="removed", content=content)
                await self._save(state.model_copy(update={slot: None}))
                await self._way.tell()
            await self._sweep()

    async def apply_preset(self) -> None:
        """Takes up the model of the settings, once for each change of them, in a house that has an owner.

        Raises `Internal` that names a setting which cannot be used, `Unavailable`.
        """
        owner = next((each for each in await self._users.everybody() if each.role == "owner"), None)
        if owner is None:
            return
        async with self._lock:
            state = await self._state()
            draft = await asyncio.to_thread(self._preset.draft) if self._preset else None
            if draft and not (state.preset and state.preset.fits(draft)):
                marked = state.model_copy(update={"preset": Mark.of(draft)})
                if not self._lets(_preset_target(draft)):
                    raise Internal("OA_MODEL: OA_HOUSE_FILE does not allow that model.")
                await self._take(owner.id, draft, _preset_target(draft), marked, keep=False)
                return
            if state.preset and not draft:
                await self._save(state.model_copy(update={"preset": None}))
            await self._try_sweep()

    async def try_preset(self) -> None:
        """As `apply_preset`, where something else has succeeded that this must not spoil."""
        try:
            await self.apply_preset()
        except OaError as error:
            _log.warning("preset model not taken up", extra={"code": error.code, "reason": error.message})

    async def _take(
        self,
        owner: str,
        draft: views.ModelDraft,
        target: _Target,
        state: _State,
        *,
        keep: bool,
        slot: _Slot = "current",
    ) -> _Choice:
        """Key first, then the record, then the choice, then the end of the former key: a crash leaves one that works.

        `keep`: without a new key the former one stays, where the same one gets it.
        """
        before = state.of(slot)
        former = before if keep and before and before.receiver == target.receiver else None
        made = await self._store_key(owner, target, draft.api_key) if draft.api_key else None
        holder = made.id if made else former.account if former else None
        own = self._own if self._own and self._own.base_url == target.base_url else None
        window = draft.window or (own.window if own else None)
        chosen = _Choice(
            **target.model_dump(), window=window, account=holder, owner=owner, own=own is not None, local=draft.local
        )  # fmt: skip
        if before and chosen.is_same(before):
            chosen = chosen.model_copy(update={"tested": before.tested, "price": before.price})
        try:
            await self._note(chosen, slot)
            if made:
                await self._vault.finish(owner, made.id)
        except BaseException:
            if made:
                self._bus.spawn(self._vault.revoke(owner, made.id))
            raise
        await self._save(state.model_copy(update={slot: chosen}))
        await self._way.tell()
        await self._try_sweep()
        return chosen

    def _begin_test(self, user: str, choice: _Choice) -> None:
        """Tests in the background; not twice at once, and what a model chosen meanwhile says is another matter."""
        if choice.is_same(self._testing):
            return
        self._testing = choice
        self._bus.spawn(self._test(user, choice))

    async def _test(self, user: str, choice: _Choice) -> None:
        try:
            tested = await self._tested(user, choice)
            async with self._lock:
                state = await self._state()
                same = {slot: each for slot in _SLOTS if (each := state.of(slot)) and choice.is_same(each)}
                found = {str(slot): each.model_copy(update={"tested": tested}) for slot, each in same.items()}
                await self._save(state.model_copy(update=found))
        finally:
            if self._testing is choice:
                self._testing = None

    async def _tested(self, user: str, choice: _Choice) -> _Tested:
        """What a test comes to; one that fails says why, and leaves what was found before."""
        try:
            report = await self._probes.ask(user, await choice.ref())
        except OaError as error:
            mode = choice.tested.mode if choice.tested else "unknown"
            return _Tested(mode=mode, detail=f"The last test failed. {error.message}", at=self._clock())
        return _Tested(mode=report.mode, detail=report.detail, at=self._clock(), listed=report.listed)

    async def _store_key(self, owner: str, target: _Target, key: str) -> Account:
        settings = {"base_url": target.base_url, "kind": target.kind}
        name = target.host or target.model.partition("/")[0]
        return await self._vault.connect(
            owner, connector=MODEL_CONNECTOR, name=name, settings=settings, secrets={"api_key": key}
        )

    async def _note(self, chosen: _Choice, slot: _Slot = "current") -> None:
        content: dict[str, Any] = {"kind": chosen.kind, "model": chosen.model, "host": chosen.host, **_slot_note(slot)}
        if chosen.price:
            content["price"] = chosen.price.model_dump()
        await self._ledger.note(
            AuditAction.MODEL_CHANGED, user=chosen.owner, account=chosen.account, outcome="chosen", content=content
        )

    async def _try_sweep(self) -> None:
        """A former key that cannot be destroyed now is destroyed with the next change, or at the next start."""
        try:
            await self._sweep()
        except OaError as error:
            _log.warning("former model keys not destroyed", extra={"code": error.code})

    async def _sweep(self) -> None:
        """Destroys every model key but the chosen ones; only under the lock, for a new one is stored before chosen."""
        state = await self._state()
        used = {each.account for slot in _SLOTS if (each := state.of(slot))}
        for user in await self._users.everybody():
            for account in await self._vault.listing(user.id, connector=MODEL_CONNECTOR):
                if account.id not in used:
                    await self._vault.revoke(user.id, account.id)

    async def _state(self) -> _State:
        kept = await self._preferences.get(_NAME)
        state = _State.model_validate_json(kept) if kept else _State()
        if self._own is None:
            return state
        own = {slot: each for slot in _SLOTS if (each := state.of(slot)) and each.own}
        return state.model_copy(update={str(slot): _moved(each, self._own) for slot, each in own.items()})

    async def _save(self, state: _State) -> None:
        await self._preferences.put(_NAME, state.model_dump_json())


def _slot_note(slot: _Slot) -> dict[str, str]:
    return {} if slot == "current" else {"slot": slot}


def _candidates(own: OwnServer | None) -> tuple[Candidate, ...]:
    return (Candidate("Your model file", own.base_url.removesuffix("/v1")), *USUAL) if own else USUAL


def _moved(choice: _Choice, own: OwnServer) -> _Choice:
    """The choice of the house's own server as that is now; what a test found of another file is not kept."""
    tested = choice.tested if choice.model == own.model else None
    return choice.model_copy(update={**own.model_dump(), "tested": tested})


def _target(draft: views.ModelDraft | views.ModelProbe) -> _Target:
    """What a draft means, without its key; raises `InvalidRequest` that names the field."""
    if not draft.model.isprintable():
        raise invalid("The name of the model is not valid.", model="Without line breaks and the like.")
    if draft.kind == "litellm" and not _BY_PROVIDER.fullmatch(draft.model):
        raise invalid("The model's name is not complete.", model="Provider, slash, model, as in mistral/mistral-small.")
    base_url = endpoints.normal(draft.base_url) if draft.base_url or draft.kind == "openai" else None
    if draft.api_key and not endpoints.has_key_form(draft.api_key):
        raise invalid("The key is not valid.", api_key="Letters, digits and signs, without blanks.")
    if draft.api_key and base_url:
        endpoints.refuse_open_key(base_url)
    return _Target(kind=draft.kind, model=draft.model, base_url=base_url)


def _preset_target(draft: views.ModelDraft) -> _Target:
    """As `_target`; what is wrong is for the administrator to correct: raises `Internal` that names the setting."""
    try:
        return _target(draft)
    except InvalidRequest as error:
        wrong = ((_SETTINGS[name], words) for name, words in error.details["fields"].items())
        raise Internal(" ".join(f"{name}: {words}" for name, words in wrong)) from error


def _view(choice: _Choice, *, testing: bool, local: bool) -> views.ModelChoice:
    plain = choice.model_dump(include={"kind", "model", "base_url", "window"})
    tested = choice.tested
    tools = views.ModelTools(testing=testing)
    if tested:
        tools = views.ModelTools(mode=tested.mode, detail=tested.detail, tested_at=tested.at, testing=testing)
    priced = choice.priced()
    price = views.ModelPrice(**priced[0].model_dump(), source=priced[1]) if priced else None
    return views.ModelChoice(**plain, has_key=choice.account is not None, tools=tools, price=price, local=local)
