"""The double is checked from its other side, and the connector by what clients of others send and read.

What the connector sends is what `pywa` and `@kapso/whatsapp-cloud-api` send for the same; what the double pushes, both
read as it was meant; and both take the signature, and the errors, for Meta's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pywa import errors as pywa_errors
from pywa.client import WhatsApp
from pywa.types.message import Message
from pywa.types.message_status import MessageStatus
from pywa.types.templates import BodyText, TemplateLanguage
from pywa.utils import webhook_updates_validator

from connectors.whatsapp.faults import _TABLE
from tests.connectors.whatsapp.conftest import Desk
from tests.peers.nodes import FOLDER, node
from tests.peers.whatsapp import Fault, WhatsAppPeer

LEASE = b"The lease ends on 31 March."


class _ToDouble(httpx.HTTPTransport):
    """Leads a client that knows Meta's address alone to the double."""

    def __init__(self, meta: WhatsAppPeer) -> None:
        super().__init__()
        self._meta = meta

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._meta.port)
        return super().handle_request(request)


@pytest.fixture
def client(meta: WhatsAppPeer) -> Iterator[WhatsApp]:
    with httpx.Client(transport=_ToDouble(meta), trust_env=False) as session:
        yield WhatsApp(
            phone_id=meta.phone_number_id,
            token=meta.token,
            session=session,
            api_version=meta.version.removeprefix("v"),
            waba_id=meta.waba_id,
        )


async def kapso(meta: WhatsAppPeer, sends: Any = (), pushes: Any = ()) -> dict[str, Any]:
    """What the Node client sends, and reads."""
    given = {
        "baseUrl": f"{meta.url}/{meta.version}", "token": meta.token, "secret": meta.app_secret, "sends": list(sends),
        "pushes": [
            {"body": base64.b64encode(each.body).decode(), "signature": each.headers["x-hub-signature-256"]}
            for each in pushes
        ],
    }  # fmt: skip
    command = node(FOLDER.resolve() / "whatsapp.mjs")

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, input=json.dumps(given).encode(), capture_output=True, timeout=60, check=False)

    done = await asyncio.to_thread(run)
    assert done.returncode == 0, done.stderr.decode()
    return dict(json.loads(done.stdout))


def bodies(meta: WhatsAppPeer) -> list[dict[str, Any]]:
    """What was posted as messages, in one spelling: what is left out and what is the default are the same."""
    found = [each.body for each in meta.asked if each.path.rstrip("/").endswith("/messages")]
    meta.asked.clear()
    return [_plain(body) for body in found]


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    plain = {**body, "to": body["to"].lstrip("+")} if "to" in body else dict(body)
    if "text" in plain:
        plain["text"] = {"preview_url": False, **plain["text"]}
    for component in plain.get("template", {}).get("components", []):
        component["type"] = component["type"].lower()  # Meta's reference has it in lower case, pywa in capitals
    for part in ("document", "image"):
        if part in plain:
            plain[part] = {**plain[part], "id": "a file"}
    return plain


async def acts(desk: Desk) -> tuple[str, list[dict[str, Any]], list[str]]:
    """The connector sends one of each kind; gives the chat, what it posted, and the calls' ids."""
    desk.meta.template("room_ready", "The room is ready on {{1}} at {{2}}.")
    await desk.sync()
    media = desk.meta.file(LEASE, "text/plain")
    document = {"id": media, "mime_type": "text/plain", "filename": "lease.txt"}
    message = await desk.written(wamid="wamid.asked", document=document)
    chat, values = await desk.chat(), {"body.1": "Friday", "body.2": "noon"}
    desk.meta.asked.clear()
    calls = [
        desk.house.make("messages_send", chat=chat, text="Yes, *Friday*.", reply_to=message["id"]),
        desk.house.make("messages_react", message=message["id"], emoji="\U0001f44d"),
        desk.house.make("templates_send", template="room_ready", chat=chat, values=values),
        desk.house.make("media_send", chat=chat, message=message["id"], caption="here"),
        desk.house.make("messages_mark_read", message=message["id"]),
    ]
    for call in calls:
        await desk.house.send(call)
    return chat, bodies(desk.meta), [call.id for call in calls]


async def test_what_the_connector_sends_is_what_pywa_sends_for_the_same(desk: Desk, client: WhatsApp) -> None:
    _, ours, ids = await acts(desk)

    values = BodyText.params(*("Friday", "noon"))  # type: ignore[arg-type]  # annotated as a method, used on the class

    def theirs() -> None:
        to, media = desk.carol.phone, client.upload_media(LEASE, mime_type="text/plain", filename="lease.txt")
        client.send_message(to, "Yes, *Friday*.", reply_to_message_id="wamid.asked", tracker=ids[0])
        client.send_reaction(to, "\U0001f44d", "wamid.asked", tracker=ids[1])
        client.send_template(to, "room_ready", TemplateLanguage.ENGLISH_US, [values], tracker=ids[2])
        client.send_document(to, media, filename="lease.txt", caption="here", tracker=ids[3])
        client.mark_message_as_read("wamid.asked")

    await asyncio.to_thread(theirs)
    assert ours == bodies(desk.meta)


@pytest.mark.slow
async def test_what_the_connector_sends_is_what_kapso_sends_for_the_same(desk: Desk) -> None:
    _, ours, ids = await acts(desk)
    who = {"phoneNumberId": desk.meta.phone_number_id, "to": desk.carol.phone}
    components = [{"type": "body", "parameters": [{"type": "text", "text": each} for each in ("Friday", "noon")]}]
    template = {"name": "room_ready", "language": {"code": "en_US"}, "components": components}
    told = await kapso(
        desk.meta,
        [
            ["messages", "sendText", {**who, "body": "Yes, *Friday*.", "contextMessageId": "wamid.asked",
                                      "bizOpaqueCallbackData": ids[0]}],
            ["messages", "sendReaction", {**who, "reaction": {"messageId": "wamid.asked", "emoji": "\U0001f44d"},
                                          "bizOpaqueCallbackData": ids[1]}],
            ["messages", "sendTemplate", {**who, "template": template, "bizOpaqueCallbackData": ids[2]}],
            ["messages", "sendDocument", {**who, "document": {"id": next(iter(desk.meta.files)), "caption": "here",
                                                              "filename": "lease.txt"},
                                          "bizOpaqueCallbackData": ids[3]}],
            ["messages", "markRead", {"phoneNumberId": desk.meta.phone_number_id, "messageId": "wamid.asked"}],
        ],
    )  # fmt: skip
    assert all("ok" in each for each in told["answers"]), told["answers"]
    assert ours == bodies(desk.meta)


async def test_pywa_blocks_and_lists_as_the_connector_does(desk: Desk, client: WhatsApp) -> None:
    await desk.written()
    await desk.house.call("contacts_block", chat=await desk.chat())
    ours = [each.body for each in desk.meta.asked if each.path.endswith("/block_users")]
    desk.meta.asked.clear()
    assert (await asyncio.to_thread(client.block_users, [desk.carol.phone])).added_users[0].wa_id == desk.carol.phone
    assert [each.body for each in desk.meta.asked] == ours
    listed = await asyncio.to_thread(client.api.get_blocked_users, desk.meta.phone_number_id)
    assert [each["wa_id"] for each in listed["data"]] == [desk.carol.phone]


async def test_pywa_finds_number_templates_and_files_at_the_double(meta: WhatsAppPeer, client: WhatsApp) -> None:
    meta.template("room_ready", "The room is ready on {{1}}.", language="de")
    media = meta.file(LEASE, "text/plain")

    def look() -> tuple[str | None, list[str], bytes]:
        number = client.get_business_phone_number()
        names = [str(each.name) for each in client.get_templates()]
        return number.display_phone_number, names, client.get_media_bytes(client.get_media_url(media).url)

    assert await asyncio.to_thread(look) == ("+1 555-078-3881", ["room_ready"], LEASE)


async def test_pywa_reads_the_doubles_pushes_as_they_were_meant(desk: Desk, client: WhatsApp) -> None:
    text = desk.meta.says(desk.carol, "See you \U0001f98a", context={"from": "1", "id": "wamid.x"})
    image = desk.meta.says(desk.carol, image={"id": "77", "mime_type": "image/jpeg", "sha256": "x", "caption": "hi"})
    reaction = desk.meta.says(desk.carol, reaction={"message_id": "wamid.x", "emoji": "\U0001f44d"})
    read = [Message.from_update(client, json.loads(each.body)) for each in (text, image, reaction)]
    assert (read[0].text, read[0].from_user.bsuid, read[0].from_user.name) == (
        "See you \U0001f98a", desk.carol.bsuid, "Carol Meyer",
    )  # fmt: skip
    assert read[0].reply_to_message is not None
    assert (read[0].reply_to_message.id, read[1].caption) == ("wamid.x", "hi")
    assert read[2].reaction is not None
    assert read[2].reaction.emoji == "\U0001f44d"
    assert all(
        webhook_updates_validator(desk.meta.app_secret, each.body, each.headers["x-hub-signature-256"])
        for each in (text, image, reaction)
    )


async def test_pywa_finds_the_calls_id_in_the_doubles_statuses(desk: Desk, client: WhatsApp) -> None:
    await desk.written()
    call = desk.house.make("messages_send", chat=await desk.chat(), text="hello")
    await desk.house.send(call)
    sent = MessageStatus.from_update(client, json.loads(desk.meta.status(desk.meta.sent[0], "delivered").body))
    failed = MessageStatus.from_update(
        client, json.loads(desk.meta.status(desk.meta.sent[0], "failed", code=131047).body)
    )
    assert (sent.tracker, sent.status, sent.from_user.bsuid) == (call.id, "delivered", desk.carol.bsuid)
    assert isinstance(failed.error, pywa_errors.ReEngagementMessage)


@pytest.mark.slow
async def test_kapso_takes_the_doubles_signature_and_reads_its_pushes(desk: Desk) -> None:
    await desk.written()
    await desk.house.call("messages_send", chat=await desk.chat(), text="hello")
    pushes = [desk.meta.says(desk.carol, "See you \U0001f98a"), desk.meta.status(desk.meta.sent[0], "read")]
    told = (await kapso(desk.meta, pushes=pushes))["pushes"]
    assert [each["signed"] for each in told] == [True, True]
    (message,) = told[0]["told"]["messages"]
    assert (message["text"]["body"], message["from"]) == ("See you \U0001f98a", desk.carol.phone)
    assert told[0]["told"]["contacts"][0]["userId"] == desk.carol.bsuid
    (status,) = told[1]["told"]["statuses"]
    assert (status["status"], status["recipientUserId"]) == ("read", desk.carol.bsuid)


@pytest.mark.parametrize("code", [131047, 131026, 130429, 131056, 190, 132000, 132001, 131030, 368, 131048])
async def test_the_doubles_errors_are_metas_for_pywa(meta: WhatsAppPeer, client: WhatsApp, code: int) -> None:
    body = json.dumps({"error": {"message": "x", "type": "OAuthException", "code": code}}).encode()
    meta.faults.append(Fault("/messages", 400, body))
    with pytest.raises(pywa_errors.WhatsAppError) as refused:
        await asyncio.to_thread(client.send_message, "16505551234", "hello")
    assert type(refused.value) is not pywa_errors.WhatsAppError
    assert refused.value.code == code


async def test_a_closed_window_is_for_pywa_what_it_is_for_us(desk: Desk, client: WhatsApp) -> None:
    with pytest.raises(pywa_errors.ReEngagementMessage):
        await asyncio.to_thread(client.send_message, desk.carol.phone, "hello")


def test_the_codes_that_are_explained_are_codes_that_pywa_knows() -> None:
    known = pywa_errors._all_exceptions()
    older = {33, 100, 131045, 131049, 133010, 139100, 139101, 139102, 139103}
    assert {code for code in _TABLE if code not in known} <= older
