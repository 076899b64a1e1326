"""A key goes to the vault, then to the one address it was given for, and nowhere else."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from openassistant.errors import Internal, InvalidRequest, NotFound, Unavailable
from openassistant.messages import AuditAction, ProbeReport
from services.gateway.models import OwnServer
from services.gateway.preset import Preset
from services.gateway.users import User
from services.gateway.views import ModelDraft, ModelProbe
from tests.peers.certificates import Authority
from tests.peers.model import ModelServer
from tests.sdk.web import Web, answer, serve
from tests.services.gateway.keysafe import KeySafe

KEY, OTHER = "sk-not-a-real-key-0001", "sk-not-a-real-key-0002"
HERE, THERE = "http://127.0.0.1:11434/v1", "https://models.example.org/v1"
AWAY = Unavailable("Away.")


@pytest.fixture
async def safe(tmp_path: Path) -> AsyncIterator[KeySafe]:
    async with KeySafe(tmp_path) as safe:
        await safe.move_in()
        yield safe


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with serve() as web:
        yield web


async def choose(safe: KeySafe, **given: Any) -> None:
    """Chooses, and sees the test that follows to its end, unless it is held: a restart would end it."""
    await safe.models.choose(safe.me, ModelDraft(**{"model": "llama3.1", "base_url": HERE, **given}))
    if safe.held is None:
        await safe.tested()


async def check(safe: KeySafe, url: str, **given: Any) -> tuple[bool, str]:
    found = await safe.models.check(ModelProbe(base_url=url, **given))
    return found.ok, found.detail


def listing(*names: str) -> bytes:
    return answer(200, json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode())


# --- choosing -----------------------------------------------------------------------------------------------------


async def test_a_house_without_a_choice_says_so(safe: KeySafe) -> None:
    assert (await safe.models.settings(safe.me)).current is None
    assert await safe.models.ref(safe.me.user.id) is None


async def test_what_was_chosen_answers_for_everybody_and_survives_a_restart(safe: KeySafe) -> None:
    await choose(safe, base_url=f"{THERE}//", api_key=KEY, window=8192)
    safe.start()
    ref = await safe.models.ref("f" * 32)
    assert ref is not None
    assert (ref.kind, ref.model, ref.base_url, ref.window) == ("openai", "llama3.1", THERE, 8192)
    assert await safe.key_of_turn() == KEY
    current = (await safe.models.settings(safe.me)).current
    assert current is not None
    assert current.has_key


async def test_a_key_is_in_the_vault_and_in_no_preference_record_answer_or_log(
    safe: KeySafe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await choose(safe, base_url=THERE, api_key=KEY)
    await choose(safe, base_url=THERE, api_key=OTHER)
    shown = [(await safe.models.settings(safe.me)).model_dump_json(), await safe.kept(), caplog.text]
    told = [each.model_dump_json() for each in [*safe.records, *safe.accounts.values()]]
    assert not any(key in text for key in (KEY, OTHER) for text in [*shown, *told])


async def test_a_change_is_written_down_with_its_host_before_it_takes_effect(safe: KeySafe) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    record = safe.records[0]
    assert (record.action, record.outcome) == (AuditAction.MODEL_CHANGED, "chosen")
    assert record.content == {"kind": "openai", "model": "llama3.1", "host": "models.example.org"}
    assert safe.order == ["connect", "record", "finish"]


async def test_a_key_never_travels_to_a_new_address(safe: KeySafe) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    await choose(safe, base_url="https://mallory.example.net/v1")
    assert await safe.key_of_turn() is None
    assert safe.secrets == {}


CHANGES: dict[str, dict[str, Any]] = {
    "another port": {"base_url": "https://models.example.org:8443/v1"},
    "another path": {"base_url": "https://models.example.org/v2"},
    "another scheme": {"base_url": "http://models.example.org/v1"},
    "a name that begins alike": {"base_url": "https://models.example.org.mallory.example.net/v1"},
    "litellm at the same address": {"kind": "litellm", "model": "mallory/llama3.1"},
    "litellm without an address": {"kind": "litellm", "model": "mallory/llama3.1", "base_url": None},
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_key_does_not_follow_to(safe: KeySafe, change: str) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    await choose(safe, **{"base_url": THERE, **CHANGES[change]})
    assert await safe.key_of_turn() is None
    assert safe.secrets == {}


async def test_a_key_does_not_follow_to_another_provider(safe: KeySafe) -> None:
    await choose(safe, kind="litellm", model="mistral/small", base_url=None, api_key=KEY)
    await choose(safe, kind="litellm", model="mistral/large", base_url=None)
    assert await safe.key_of_turn() == KEY
    await choose(safe, kind="litellm", model="mallory/large", base_url=None)
    assert await safe.key_of_turn() is None


@pytest.mark.parametrize("same", [THERE, f"{THERE}/", "https://MODELS.example.org:443/v1", f" {THERE} "])
async def test_a_key_stays_at_its_address_however_that_is_written(safe: KeySafe, same: str) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    await choose(safe, base_url=same, model="another", api_key="")
    assert await safe.key_of_turn() == KEY
    assert "revoke" not in safe.order


async def test_a_new_key_takes_the_place_of_the_former_one_which_is_destroyed_last(safe: KeySafe) -> None:
    await choose(safe, api_key=KEY)
    safe.order.clear()
    await choose(safe, api_key=OTHER)
    assert safe.keys() == [OTHER]
    assert safe.order == ["connect", "record", "finish", "revoke"]


@pytest.mark.parametrize("failing", ["connect", "record", "finish"])
async def test_a_choice_that_fails_leaves_the_former_one_working(safe: KeySafe, failing: str) -> None:
    await choose(safe, api_key=KEY)
    safe.failing[failing] = AWAY
    with pytest.raises(Unavailable):
        await choose(safe, model="another", api_key=OTHER)
    safe.failing.clear()
    safe.start()
    await safe.models.apply_preset()
    assert await safe.key_of_turn() == KEY
    assert safe.keys() == [KEY]


async def test_a_former_key_that_could_not_be_destroyed_is_destroyed_at_the_next_start(safe: KeySafe) -> None:
    await choose(safe, api_key=KEY)
    safe.failing["revoke"] = AWAY
    await choose(safe, api_key=OTHER)
    assert sorted(safe.keys()) == [KEY, OTHER]
    safe.failing.clear()
    safe.start()
    await safe.models.apply_preset()
    assert safe.keys() == [OTHER]


async def test_removing_forgets_the_choice_and_destroys_its_key(safe: KeySafe) -> None:
    await choose(safe, api_key=KEY)
    await safe.models.remove(safe.me)
    assert await safe.models.ref(safe.me.user.id) is None
    assert safe.secrets == {}
    assert safe.records[-1].outcome == "removed"


async def test_removing_fails_while_the_key_is_there_and_can_be_asked_again(safe: KeySafe) -> None:
    await choose(safe, api_key=KEY)
    safe.failing["revoke"] = AWAY
    with pytest.raises(Unavailable):
        await safe.models.remove(safe.me)
    safe.failing.clear()
    await safe.models.remove(safe.me)
    assert safe.secrets == {}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no address": ({"base_url": None}, "base_url"),
    "another scheme": ({"base_url": "ftp://127.0.0.1/v1"}, "base_url"),
    "a file": ({"base_url": "file:///etc/hosts"}, "base_url"),
    "a password in the address": ({"base_url": "https://ada:not-real@models.example.org/v1"}, "base_url"),
    "a query": ({"base_url": f"{THERE}?key=x"}, "base_url"),
    "no host": ({"base_url": "https:///v1"}, "base_url"),
    "a line break in the name": ({"model": "a\nb"}, "model"),
    "a provider without a model": ({"kind": "litellm", "model": "mistral"}, "model"),
    "a key with a line break": ({"api_key": "sk-not\nreal"}, "api_key"),
    "a key of another alphabet": ({"api_key": "sk-нет"}, "api_key"),
    "a key over plain http": ({"base_url": "http://models.example.org/v1", "api_key": KEY}, "base_url"),
    "a key to a public number": ({"base_url": "http://134744072/v1", "api_key": KEY}, "base_url"),
    "a key to a public address": ({"base_url": "http://8.8.8.8/v1", "api_key": KEY}, "base_url"),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_refusal_names_the_field_and_stores_nothing(safe: KeySafe, wrong: str) -> None:
    given, field = WRONG[wrong]
    with pytest.raises(InvalidRequest) as caught:
        await choose(safe, **given)
    assert list(caught.value.details["fields"]) == [field]
    assert "not-real" not in str(caught.value.details)
    assert safe.order == []


NEAR = ["http://192.168.1.5:8000", "http://[::1]:1234", "http://gpu:8000", "http://gpu.lan", "http://gpu.home.arpa",
        "http://gpu.local/v1", "http://x.internal", "http://localhost:1"]  # fmt: skip


@pytest.mark.parametrize("near", NEAR)
async def test_plain_http_with_a_key_is_good_enough_inside_the_own_network(safe: KeySafe, near: str) -> None:
    await choose(safe, base_url=near, api_key=KEY)
    assert await safe.key_of_turn() == KEY


# --- checking -----------------------------------------------------------------------------------------------------


async def test_a_check_lists_what_a_server_offers(safe: KeySafe) -> None:
    with ModelServer(api_key=KEY) as server:
        found = await safe.models.check(ModelProbe(base_url=f"{server.url}/", api_key=KEY, model="scripted"))
    assert (found.ok, found.models) == (True, ("scripted",))


async def test_a_check_says_that_a_key_is_refused_or_missing(safe: KeySafe) -> None:
    with ModelServer(api_key=KEY) as server:
        refused, missing = await check(safe, server.url, api_key=OTHER), await check(safe, server.url)
    assert not refused[0]
    assert "refused the key" in refused[1]
    assert not missing[0]
    assert "asks for a key" in missing[1]


async def test_a_stored_key_is_not_used_by_a_check_and_counts_as_good(safe: KeySafe, web: Web) -> None:
    web.say("/v1/models", answer(401))
    await choose(safe, base_url=web.url("/v1"), api_key=KEY)
    ok, detail = await check(safe, web.url("/v1/"))
    assert ok
    assert "next message" in detail
    assert KEY not in str(web.asked)
    assert not (await check(safe, f"http://localhost:{web.port}/v1"))[0]


async def test_a_model_that_is_not_there_is_named_beside_those_that_are(safe: KeySafe, web: Web) -> None:
    web.say("/v1/models", listing("llama3.1:latest", "tiny"))
    found = await safe.models.check(ModelProbe(base_url=web.url("/v1"), model="gone"))
    assert (found.ok, found.models) == (False, ("llama3.1:latest", "tiny"))
    assert "gone" in found.detail
    assert (await check(safe, web.url("/v1"), model="llama3.1"))[0]
    assert await check(safe, web.url("/v1")) == (True, f"The server at 127.0.0.1:{web.port} offers 2 models.")


ANSWERS: dict[str, tuple[bytes, str]] = {
    "a page of another kind": (answer(404, b"<html>"), "/v1"),
    "rubbish": (answer(200, b"{nonsense"), "/v1"),
    "JSON that lists nothing": (answer(200, b'{"hello": 1}'), "/v1"),
    "deeply nested JSON": (answer(200, b"[" * 200_000), "/v1"),
    "no HTTP at all": (b"220 mail.example.org ESMTP\r\n\r\n", "cannot be read"),
    "a packed answer": (answer(200, b"\x1f\x8b", Content_Encoding="gzip"), "cannot be read"),
    "no models": (listing(), "no model yet"),
    "a fault": (answer(500), "status 500"),
    "a pause": (answer(429), "enough requests"),
    "an odd status": (answer(418), "418"),
    "a redirect to nowhere": (answer(302), "another page"),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_check_says_in_words_what_came(safe: KeySafe, web: Web, case: str) -> None:
    said, words = ANSWERS[case]
    web.say("/v1/models", said)
    ok, detail = await check(safe, web.url("/v1"))
    assert not ok
    assert words in detail


async def test_an_endless_answer_is_cut(safe: KeySafe, web: Web) -> None:
    body = b"[" + b'{"id": "x"},' * 800_000
    web.say("/v1/models", answer(200, body))
    ok, detail = await check(safe, web.url("/v1"))
    assert not ok
    assert "cannot be read" in detail


async def test_a_redirect_is_told_and_never_followed_with_the_key(safe: KeySafe, web: Web) -> None:
    async with serve() as other:
        web.say("/v1/models", answer(307, Location=other.url("/v1/models", host="localhost")))
        other.say("/v1/models", listing("trap"))
        ok, detail = await check(safe, web.url("/v1"), api_key=KEY)
    assert not ok
    assert f"localhost:{other.port}" in detail
    assert other.connections == 0


async def test_a_check_tells_a_refused_connection_from_an_unknown_name(safe: KeySafe) -> None:
    async with serve() as gone:
        pass
    assert "refuses the connection" in (await check(safe, gone.url("/v1")))[1]
    assert "name is not known" in (await check(safe, "http://nobody.example.org/v1"))[1]


async def test_a_check_tells_a_server_without_tls_from_one_that_is_not_trusted(safe: KeySafe, tmp_path: Path) -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert "http instead of https" in (await check(safe, f"https://127.0.0.1:{port}/v1", api_key=KEY))[1]
    tls = Authority(tmp_path).good().context()
    async with serve(tls=tls) as stranger:
        assert "not trusted" in (await check(safe, stranger.url("/v1", scheme="https"), api_key=KEY))[1]
    assert stranger.asked == []


async def test_a_model_of_a_provider_is_not_asked_for_before_the_first_message(safe: KeySafe) -> None:
    found = await safe.models.check(ModelProbe(kind="litellm", model="mistral/small"))
    assert found.ok
    assert "next message" in found.detail
    with pytest.raises(InvalidRequest):
        await safe.models.check(ModelProbe(kind="litellm", model="mistral"))


async def test_the_key_of_an_owner_who_leaves_goes_with_him_and_the_choice_stays(safe: KeySafe) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    heir = User(id="b" * 32, username="bob", display_name="Bob", role="owner")
    await safe.users.add(heir, "not a hash")
    await safe.models.forget_key_of(safe.me.user.id)
    ref = await safe.models.ref(heir.id)
    assert ref is not None
    assert (ref.model, ref.account) == ("llama3.1", None)
    await choose(safe, base_url=THERE, api_key=OTHER)
    assert await safe.key_of_turn() == OTHER


# --- the preset ---------------------------------------------------------------------------------------------------


def preset(folder: Path, key: str = KEY) -> Preset:
    (folder / "key").write_text(f"{key}\n")
    return Preset(model="openai/scripted", base_url=THERE, key_file=folder / "key")


async def test_the_model_of_the_settings_waits_for_an_owner(tmp_path: Path) -> None:
    async with KeySafe(tmp_path) as safe:
        safe.start(preset(tmp_path))
        await safe.models.apply_preset()
        assert safe.order == []
        await safe.move_in()
        await safe.models.apply_preset()
        ref = await safe.models.ref(safe.me.user.id)
        assert ref is not None
        assert (ref.kind, ref.model, await safe.key_of_turn()) == ("openai", "scripted", KEY)
        assert KEY not in await safe.kept()


async def test_an_owners_later_choice_survives_restarts_under_the_same_settings(safe: KeySafe, tmp_path: Path) -> None:
    safe.start(preset(tmp_path))
    await safe.models.apply_preset()
    await choose(safe, model="mine")
    safe.start(preset(tmp_path))
    await safe.models.apply_preset()
    ref = await safe.models.ref(safe.me.user.id)
    assert ref is not None
    assert ref.model == "mine"
    await safe.models.remove(safe.me)
    await safe.models.apply_preset()
    assert await safe.models.ref(safe.me.user.id) is None


async def test_changed_settings_are_taken_up(safe: KeySafe, tmp_path: Path) -> None:
    safe.start(preset(tmp_path))
    await safe.models.apply_preset()
    safe.start(preset(tmp_path, key=OTHER))
    await safe.models.apply_preset()
    assert safe.keys() == [OTHER]
    safe.start(Preset(model="scripted", base_url=THERE))
    await safe.models.apply_preset()
    assert await safe.key_of_turn() is None
    assert safe.keys() == []


async def test_settings_that_were_taken_away_and_come_back_are_taken_up_again(safe: KeySafe, tmp_path: Path) -> None:
    for given, own in ((preset(tmp_path), "mine"), (None, "still mine")):
        safe.start(given)
        await safe.models.apply_preset()
        await choose(safe, model=own)
    safe.start(preset(tmp_path))
    await safe.models.apply_preset()
    assert await safe.key_of_turn() == KEY


async def test_without_an_address_the_settings_name_a_model_as_litellm_does(safe: KeySafe) -> None:
    safe.start(Preset(model="openai/large"))
    await safe.models.apply_preset()
    ref = await safe.models.ref(safe.me.user.id)
    assert ref is not None
    assert (ref.kind, ref.model, ref.base_url) == ("litellm", "openai/large", None)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a missing key file": ({"key_file": Path("nowhere")}, "OA_MODEL_API_KEY_FILE: nowhere cannot be read"),
    "a key file in place of a folder": ({"key_file": Path(__file__).parent}, "OA_MODEL_API_KEY_FILE"),
    "an empty key file": ({"key_file": Path("/dev/null")}, "OA_MODEL_API_KEY_FILE: null is empty"),
    "a long key": ({"key_file": Path(__file__)}, "OA_MODEL_API_KEY_FILE"),
    "an address of another kind": ({"base_url": "ftp://x"}, "OA_MODEL_BASE_URL"),
    "a name without a provider": ({"base_url": None}, "OA_MODEL:"),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_setting_that_cannot_be_used_is_named(safe: KeySafe, bad: str) -> None:
    given, words = BAD[bad]
    safe.start(Preset(**{"model": "scripted", "base_url": THERE, **given}))
    with pytest.raises(Internal, match=words):
        await safe.models.apply_preset()
    assert await safe.models.ref(safe.me.user.id) is None


async def test_a_setting_that_cannot_be_used_does_not_spoil_the_set_up(
    safe: KeySafe, caplog: pytest.LogCaptureFixture
) -> None:
    safe.start(Preset(model="scripted"))
    await safe.models.try_preset()
    assert "preset model not taken up" in caplog.text


# --- how it calls tools -------------------------------------------------------------------------------------------


async def test_choosing_begins_a_test_whose_result_is_kept_beside_the_choice(safe: KeySafe) -> None:
    safe.held = asyncio.Event()
    safe.report = ProbeReport(mode="schema", detail="It takes no tools. 3 of 3 calls came as JSON.")
    await choose(safe)
    before = await safe.tools()
    assert (before.mode, before.testing, before.tested_at) == ("unknown", True, None)
    safe.held.set()
    after = await safe.tested()
    assert (after.mode, after.detail) == ("schema", safe.report.detail)
    assert after.tested_at is not None
    safe.start()
    assert (await safe.tools()).mode == "schema"
    ref = await safe.models.ref(safe.me.user.id)
    assert ref is not None
    assert ref.mode == "schema"


async def test_a_test_is_asked_for_under_a_grant_that_covers_nothing(safe: KeySafe) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    await safe.tested()
    [(ctx, request)] = safe.probed
    grant = claims(str(ctx.grant))
    assert (grant["kind"], grant["connectors"]) == ("turn", {})
    assert request.model.account in safe.accounts


CHANGED: dict[str, dict[str, Any]] = {
    "model": {"model": "another"},
    "address": {"base_url": "http://127.0.0.1:1234/v1"},
    "kind": {"kind": "litellm", "model": "mistral/small", "base_url": None},
}


@pytest.mark.parametrize("change", CHANGED)
async def test_a_result_does_not_outlive_another(safe: KeySafe, change: str) -> None:
    await choose(safe)
    assert (await safe.tested()).mode == "native"
    safe.held = asyncio.Event()
    await choose(safe, **CHANGED[change])
    tools = await safe.tools()
    assert (tools.mode, tools.tested_at) == ("unknown", None)
    safe.held.set()
    await safe.tested()
    assert len(safe.probed) == 2


async def test_what_a_test_found_of_a_former_model_is_dropped(safe: KeySafe) -> None:
    safe.held = asyncio.Event()
    safe.report = ProbeReport(mode="none", detail="of the former")
    await choose(safe)
    safe.report = ProbeReport(mode="native", detail="of the present")
    await choose(safe, model="another")
    assert len(await soon(safe.probed, 2)) == 2
    safe.held.set()
    assert (await safe.tested()).detail == "of the present"


async def test_the_same_model_with_another_window_keeps_its_result_and_is_tested_again(safe: KeySafe) -> None:
    await choose(safe)
    await safe.tested()
    safe.held = asyncio.Event()
    await choose(safe, window=8192)
    tools = await safe.tools()
    assert (tools.mode, tools.testing) == ("native", True)
    safe.held.set()
    await safe.tested()


async def test_a_test_that_fails_says_why_and_leaves_what_was_found(safe: KeySafe) -> None:
    safe.report = ProbeReport(mode="salvage", detail="3 of 3 calls came as JSON in its words.")
    await choose(safe)
    await safe.tested()
    safe.failing["probe"] = Unavailable("The model at 127.0.0.1 cannot be reached.")
    await safe.models.test(safe.me)
    tools = await safe.tested()
    assert (tools.mode, tools.detail) == (
        "salvage", "The last test failed. The model at 127.0.0.1 cannot be reached.",
    )  # fmt: skip


async def test_a_model_is_not_tested_twice_at_once_nor_without_being_asked_for(safe: KeySafe) -> None:
    safe.held = asyncio.Event()
    await choose(safe)
    for _ in range(3):
        await safe.models.test(safe.me)
    safe.held.set()
    await safe.tested()
    assert len(safe.probed) == 1
    safe.start(Preset(model="mistral/small"))
    await safe.models.apply_preset()
    tools = await safe.tools()
    assert (tools.mode, tools.testing) == ("unknown", False)
    assert len(safe.probed) == 1


async def test_without_a_model_there_is_nothing_to_test(safe: KeySafe) -> None:
    with pytest.raises(NotFound, match="No model is set"):
        await safe.models.test(safe.me)


# --- the house's own server ---------------------------------------------------------------------------------------

OWN = OwnServer(base_url="http://127.0.0.1:40001/v1", model="Babbler", window=16_384)


async def test_the_houses_own_server_stays_chosen_at_whichever_port_it_listens(safe: KeySafe) -> None:
    safe.start(own=OWN)
    await choose(safe, model="Babbler", base_url=OWN.base_url)
    safe.start(own=OWN.model_copy(update={"base_url": "http://127.0.0.1:40002/v1"}))
    ref = await safe.models.ref(safe.me.user.id)
    assert ref is not None
    assert (ref.base_url, ref.model, ref.window, ref.mode) == (
        "http://127.0.0.1:40002/v1", "Babbler", 16_384, "native",
    )  # fmt: skip


async def test_another_file_is_another_model_that_was_not_tested(safe: KeySafe) -> None:
    safe.start(own=OWN)
    await choose(safe, model="Babbler", base_url=OWN.base_url)
    safe.start(own=OWN.model_copy(update={"model": "Murmurer", "window": 4096}))
    ref = await safe.models.ref(safe.me.user.id)
    assert ref is not None
    assert (ref.model, ref.window, ref.mode) == ("Murmurer", 4096, "unknown")


async def test_a_server_that_is_not_the_houses_own_is_never_moved(safe: KeySafe) -> None:
    await choose(safe)
    safe.start(own=OWN)
    ref = await safe.models.ref(safe.me.user.id)
    assert ref is not None
    assert (ref.model, ref.base_url) == ("llama3.1", HERE)


async def soon(found: list[Any], count: int) -> list[Any]:
    async with asyncio.timeout(5):
        while len(found) < count:
            await asyncio.sleep(0.01)
    return found


def claims(token: str) -> dict[str, Any]:
    """What a signed token says."""
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


# --- local and not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ({"base_url": "http://127.0.0.1:11434/v1"}, True),
        ({"base_url": "http://192.168.1.7:8000/v1"}, True),
        ({"base_url": "http://[fd00::7]:8000/v1"}, True),
        ({"base_url": "http://localhost:8000/v1"}, True),
        ({"base_url": "https://93.184.216.34/v1"}, False),
        ({"base_url": "http://nobody-knows-this.invalid/v1"}, False),
        ({"base_url": "http://127.0.0.1:11434/v1", "local": False}, False),
        ({"base_url": "http://127.0.0.1:11434/v1", "model": "gpt-oss:120b-cloud"}, False),
        ({"base_url": "http://127.0.0.1:11434/v1", "model": "minimax-m2:cloud"}, False),
        ({"kind": "litellm", "base_url": "http://127.0.0.1:11434", "model": "ollama/llama3"}, False),
        ({"kind": "litellm", "base_url": "http://127.0.0.1:11434", "model": "ollama/llama3", "local": True}, True),
        ({"kind": "litellm", "base_url": None, "model": "mistral/mistral-small"}, False),
    ],
)
async def test_a_model_is_local_by_its_address_unless_it_passes_on(
    safe: KeySafe, given: dict[str, Any], *, local: bool
) -> None:
    await choose(safe, **given)
    ref = await safe.models.ref(safe.me.user.id)
    shown = (await safe.models.settings(safe.me)).current
    assert ref is not None
    assert shown is not None
    assert (ref.local, shown.local) == (local, local)


async def test_a_name_that_leads_to_a_public_address_by_now_is_a_cloud(
    safe: KeySafe, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = ["192.168.1.7"]

    async def resolve(host: str, port: int) -> list[str]:
        return behind

    monkeypatch.setattr("openassistant.origins.resolve", resolve)
    await choose(safe, base_url="http://gpu.lan:8000/v1")
    seen = [await safe.models.ref(safe.me.user.id)]
    behind.append("93.184.216.34")  # one private address beside it does not help
    seen.append(await safe.models.ref(safe.me.user.id))
    assert [each.local for each in seen if each] == [True, False]


@pytest.mark.parametrize("base_url", [THERE, "https://93.184.216.34/v1"])
async def test_nobody_can_mark_a_public_address_as_local(safe: KeySafe, base_url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await choose(safe, base_url=base_url, local=True)
    assert "base_url" in refused.value.details["fields"]
    with pytest.raises(InvalidRequest):
        await safe.models.choose_private(safe.me, ModelDraft(model="m", base_url=base_url))


@pytest.mark.parametrize("given", [{"local": False}, {"model": "gpt-oss:20b-cloud"}])
async def test_a_model_that_passes_on_is_no_model_for_what_is_private(safe: KeySafe, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        await safe.models.choose_private(safe.me, ModelDraft(**{"model": "small", "base_url": HERE, **given}))


async def test_the_two_models_keep_their_own_keys_and_tests(safe: KeySafe) -> None:
    await choose(safe, base_url=THERE, api_key=KEY)
    await safe.models.choose_private(safe.me, ModelDraft(model="small", base_url=HERE, api_key=OTHER))
    async with asyncio.timeout(5):
        while (shown := (await safe.models.settings(safe.me)).private) is None or shown.tools.tested_at is None:
            await asyncio.sleep(0.01)
    assert sorted(safe.keys()) == [KEY, OTHER]
    private = await safe.models.private(safe.me.user.id)
    assert private is not None
    assert (private.model, private.local, private.mode) == ("small", True, "native")
    assert safe.secrets[str(private.account)]["api_key"] == OTHER
    assert await safe.key_of_turn() == KEY
    await safe.models.remove(safe.me, slot="private")
    assert safe.keys() == [KEY]
    assert await safe.models.private(safe.me.user.id) is None
    assert (await safe.models.ref(safe.me.user.id)) is not None
