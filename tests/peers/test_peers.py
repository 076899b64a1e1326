"""Each peer, proven with a stock client."""

import asyncio
import email
import imaplib
import smtplib
import ssl
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import icalendar
import nats
import pytest

from tests.peers.certificates import Authority, Certificate
from tests.peers.dovecot import FOLDERS, Dovecot
from tests.peers.mailbox import ADA, CAROL, LEASE_SUBJECT, NOW, Letter, add_letter, seed_mailbox
from tests.peers.nats import NatsServer
from tests.peers.process import MissingPeerError, PeerError, find_binary, free_port
from tests.peers.pymap import Pymap
from tests.peers.radicale import Radicale
from tests.peers.smtp import Faults, SmtpServer

NAME, PASSWORD = "ada@home.example", "not-a-real-password"


def mail(message_id: str = "<one@home.example>") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = NAME, "carol@example.org", "Größe"
    message["Message-ID"] = message_id
    message.set_content("I sign on Friday.\n")
    return message


def submit(server: SmtpServer, message: EmailMessage) -> None:
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.login(NAME, PASSWORD)
        client.send_message(message)


@pytest.fixture
def imap(dovecot: Dovecot) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(dovecot.host, dovecot.port, timeout=5) as client:
        client.login(NAME, PASSWORD)
        yield client


def test_a_missing_program_is_an_error_that_names_its_package() -> None:
    with pytest.raises(MissingPeerError, match="apt-get install of-dreams"):
        find_binary("no-such-program", package="apt-get install of-dreams")


def port_of_another_process(*ports: int) -> str:
    """What `free_port` hands out elsewhere, or why it hands out none."""
    script = "import sys\nfrom tests.peers import process\nprocess._PORTS = [int(each) for each in sys.argv[1:]]\n"
    script += "try: print(process.free_port())\nexcept process.PeerError as error: print(error)"
    command = [sys.executable, "-c", script, *map(str, ports)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def test_a_free_port_belongs_to_the_process_that_it_was_given_to(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = free_port(), free_port()
    assert port_of_another_process(mine) == "no port is free"
    assert port_of_another_process(mine, *range(other + 1, other + 50)).isdecimal()
    monkeypatch.setattr("tests.peers.process._PORTS", [mine])
    with pytest.raises(PeerError, match="no port is free"):
        free_port()


def test_the_port_of_a_process_that_ended_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(port_of_another_process(*range(20_000, 20_200)))
    monkeypatch.setattr("tests.peers.process._PORTS", [port])
    assert free_port() == port


async def test_nats_answers_a_client_and_keeps_a_stream_over_a_restart() -> None:
    async with NatsServer() as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
        await client.jetstream().publish("kept.one", b"1")
        await client.close()
        await asyncio.to_thread(server.restart)
        client = await nats.connect(server.url)
        assert (await client.jetstream().stream_info("KEPT")).state.messages == 1
        await client.close()


async def test_nats_runs_a_given_configuration_and_can_lose_everything() -> None:
    config = 'server_name: given\njetstream {\n  store_dir: "/nowhere"\n  max_memory_store: 1MB\n}\n'
    async with NatsServer(config) as server:
        await asyncio.to_thread(server.restart, wipe=True)
        client = await nats.connect(server.url)
        assert client.connected_url is not None
        assert (await client.jetstream().account_info()).streams == 0
        await client.close()


def test_imap_has_the_special_use_folders(imap: imaplib.IMAP4) -> None:
    _, lines = imap.list()
    listed = b"\n".join(line for line in lines if isinstance(line, bytes)).decode()
    assert all(f"\\{folder}" in listed for folder in FOLDERS)


def test_imap_refuses_a_wrong_password(dovecot: Dovecot) -> None:
    with imaplib.IMAP4(dovecot.host, dovecot.port, timeout=5) as client, pytest.raises(imaplib.IMAP4.error):
        client.login(NAME, "wrong")


def test_a_server_of_another_make_serves_the_same_mailbox_without_marks_on_its_folders() -> None:
    with Pymap() as server:
        seed_mailbox(server.maildir(NAME), 40)
        with imaplib.IMAP4(server.host, server.port, timeout=5) as client:
            client.login(NAME, PASSWORD)
            assert client.select("INBOX")[1] == [b"32"]
            assert client.list(pattern="Sent")[1] == [b'(\\HasNoChildren) "/" Sent']
            assert "CONDSTORE" not in client.capabilities


def test_a_seeded_mailbox_holds_the_count_and_carols_mails(dovecot: Dovecot, imap: imaplib.IMAP4) -> None:
    seeded = seed_mailbox(dovecot.maildir(NAME), 300, owner=dovecot.owner)
    assert seeded.total == sum(seeded.folders.values()) == 300
    for folder, count in seeded.folders.items():
        assert imap.select(folder, readonly=True) == ("OK", [str(count).encode()])
    imap.select("INBOX", readonly=True)
    _, [found] = imap.search(None, "FROM", "carol@example.org", "SUBJECT", f'"{LEASE_SUBJECT}"')
    _, fetched = imap.fetch(found.split()[-1].decode(), "(BODY.PEEK[])")
    assert isinstance(fetched[0], tuple)
    assert email.message_from_bytes(fetched[0][1])["message-id"] == seeded.lease_message_id


def test_the_same_seed_gives_the_same_mails(tmp_path: Path) -> None:
    for name in ("one", "two"):
        seed_mailbox(tmp_path / name, 60, seed=7)
    first, second = (sorted((tmp_path / name).rglob("*.peer*")) for name in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_every_seeded_mail_is_read_by_the_mail_parser_without_defects(tmp_path: Path) -> None:
    seed_mailbox(tmp_path, 200)
    mails = [
        email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in tmp_path.rglob("*.peer*")
    ]
    assert [each.defects for each in mails] == [[]] * 200
    assert {each.get_content_type() for each in mails} >= {"text/plain", "text/html", "multipart/mixed"}
    assert any(not str(each["subject"]).isascii() for each in mails)


def test_a_new_letter_arrives_while_the_server_runs(dovecot: Dovecot, imap: imaplib.IMAP4) -> None:
    letter = Letter(CAROL, ADA, "One more thing", "Bring a pen.\n", NOW, "<pen@example.org>")
    add_letter(dovecot.maildir(NAME), letter, owner=dovecot.owner)
    assert imap.select("INBOX") == ("OK", [b"1"])


@pytest.mark.needs_dovecot
def test_imap_over_tls_satisfies_a_client_that_checks(authority: Authority) -> None:
    with Dovecot(certificate=authority.good(), tls_required=True) as server:
        with imaplib.IMAP4_SSL(
            "localhost", server.tls_port, ssl_context=authority.client_context(), timeout=5
        ) as client:
            assert client.login(NAME, PASSWORD)[0] == "OK"
        with imaplib.IMAP4("localhost", server.port, timeout=5) as client:
            client.starttls(authority.client_context())
            assert client.login(NAME, PASSWORD)[0] == "OK"


@pytest.mark.needs_dovecot
@pytest.mark.parametrize(("kind", "words"), [("expired", "expired"), ("misnamed", "ostname mismatch")])
def test_imap_over_tls_with_a_bad_certificate_is_refused_by_the_client(
    authority: Authority, kind: str, words: str
) -> None:
    certificate: Certificate = getattr(authority, kind)()
    with (
        Dovecot(certificate=certificate) as server,
        pytest.raises(ssl.SSLCertVerificationError, match=words),
    ):
        imaplib.IMAP4_SSL("localhost", server.tls_port, ssl_context=authority.client_context(), timeout=5)


def test_smtp_records_a_mail_with_its_message_id(smtp_server: SmtpServer) -> None:
    submit(smtp_server, mail())
    sent = smtp_server.wait_for(1)[0]
    assert (sent.message_id, sent.recipients, sent.user) == ("<one@home.example>", ("carol@example.org",), NAME)
    assert (sent.subject, sent.text) == ("Größe", "I sign on Friday.\n")


def test_smtp_refuses_a_mail_without_a_login(smtp_server: SmtpServer) -> None:
    with (
        smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client,
        pytest.raises(smtplib.SMTPSenderRefused),
    ):
        client.send_message(mail())


def test_smtp_refuses_a_wrong_password(smtp_server: SmtpServer) -> None:
    with (
        smtplib.SMTP(smtp_server.host, smtp_server.port, timeout=5) as client,
        pytest.raises(smtplib.SMTPAuthenticationError),
    ):
        client.login(NAME, "wrong")
    assert set(smtp_server.logins) == {(NAME, False)}


def test_a_sent_mail_arrives_in_the_recipients_mailbox(dovecot: Dovecot, imap: imaplib.IMAP4) -> None:
    maildirs = {"carol@example.org": dovecot.maildir(NAME)}
    with SmtpServer(maildirs=maildirs, owner=dovecot.owner) as server:
        submit(server, mail())
    assert imap.select("INBOX") == ("OK", [b"1"])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_smtp_speaks_tls(authority: Authority, security: str) -> None:
    trusted = authority.client_context()
    with SmtpServer(security=security, certificate=authority.good()) as server:
        if security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL("localhost", server.port, context=trusted, timeout=5)
        else:
            client = smtplib.SMTP("localhost", server.port, timeout=5)
            client.starttls(context=trusted)
        with client:
            client.login(NAME, PASSWORD)
            client.send_message(mail())
        assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("faults", "error"),
    [
        (Faults(refuse=frozenset({"carol@example.org"})), smtplib.SMTPRecipientsRefused),
        (Faults(defer="rcpt"), smtplib.SMTPRecipientsRefused),
        (Faults(defer="data"), smtplib.SMTPDataError),
        (Faults(hang_up="lost"), smtplib.SMTPServerDisconnected),
    ],
    ids=["refused", "deferred", "deferred after data", "lost"],
)
def test_a_fault_keeps_the_mail_from_being_taken(
    smtp_server: SmtpServer, faults: Faults, error: type[Exception]
) -> None:
    smtp_server.faults = faults
    with pytest.raises(error):
        submit(smtp_server, mail())
    assert smtp_server.sent == ()


def test_a_hang_up_after_data_leaves_the_client_in_the_dark_once(smtp_server: SmtpServer) -> None:
    smtp_server.faults = Faults(hang_up="kept", times=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        submit(smtp_server, mail("<dark@home.example>"))
    submit(smtp_server, mail("<light@home.example>"))
    assert [sent.message_id for sent in smtp_server.sent] == ["<dark@home.example>", "<light@home.example>"]


def test_radicale_has_the_calendar_personal(radicale: Radicale) -> None:
    question = '<propfind xmlns="DAV:"><prop><displayname/></prop></propfind>'
    auth = ("ada", radicale.users["ada"])
    answer = httpx.request("PROPFIND", radicale.calendar_url(), content=question, auth=auth, headers={"Depth": "0"})
    assert answer.status_code == 207
    assert "<displayname>Personal</displayname>" in answer.text


def test_radicale_refuses_a_wrong_password(radicale: Radicale) -> None:
    assert httpx.request("PROPFIND", radicale.calendar_url(), auth=("ada", "wrong")).status_code == 401


def test_seeded_events_come_back_as_valid_calendar_objects(radicale: Radicale) -> None:
    radicale.seed(8)
    events = [icalendar.Calendar.from_ical(event.text).events[0] for event in radicale.events()]
    assert len(events) == 8
    assert any("RRULE" in event for event in events)


def test_radicale_keeps_an_event_from_being_made_twice(radicale: Radicale) -> None:
    radicale.put("one", radicale_event())
    url, auth = f"{radicale.calendar_url()}one.ics", ("ada", radicale.users["ada"])
    again = httpx.put(url, content=radicale_event(), auth=auth, headers={"If-None-Match": "*"})
    assert again.status_code == 412


def radicale_event() -> str:
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//peers//EN\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20261101T000000Z\r\n"
        "DTSTART:20261127T100000Z\r\nDTEND:20261127T103000Z\r\nSUMMARY:Sign\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
