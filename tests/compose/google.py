"""Google on this machine for a house in containers: Gmail, and a provider whose access tokens last five seconds.

Tokens go over https alone, so both are behind certificates of an authority that the house is told to believe.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.compose.project import ComposeProject
from tests.e2e.stack import Person
from tests.peers.certificates import Authority
from tests.peers.gmail import CompletedGmail
from tests.peers.guarded import Guarded
from tests.peers.myworld import MyWorld, World
from tests.peers.oidc import OidcProvider
from tests.peers.process import LOOPBACK, workspace
from tests.peers.tokens import TokenDoor

__all__ = ["ADA", "CAROL", "MAILS", "TOKEN_SECONDS", "Google", "google_on_loopback"]

ADA, CAROL = "ada@home.example", "carol@home.example"
MAILS, TOKEN_SECONDS = 60, 5
_MAY = ("read", "send", "organise")
_SCOPES = (
    "openid", "email", *(f"https://www.googleapis.com/auth/gmail.{each}" for each in ("readonly", "compose", "modify")),
)  # fmt: skip


@dataclass
class Google:
    """Ada's mailbox with 60 mails, and Carol's, empty; `door` is where tokens are asked for, `front` Gmail itself.

    `guarded` and `door` are open from `connect` on, with a certificate for what the house then knows them by.
    """

    world: World
    front: CompletedGmail
    guarded: Guarded
    provider: OidcProvider
    door: TokenDoor
    authority: Authority
    _open: ExitStack

    @property
    def ports(self) -> Iterable[int]:
        """What the house has to reach."""
        return self.provider.port, self.door.port, self.guarded.port

    def connect(self, ada: Person, project: ComposeProject) -> dict[str, Any]:
        """Ada registers the house, says yes at the provider, and has her mailbox read for the first time."""
        for each in (self.guarded, self.door):
            each.tls = self.authority.at(project.host).context()
            self._open.enter_context(each)
        ada.approve_connector("gmail")
        back = f"{project.url.replace(LOOPBACK, 'localhost')}/oauth/callback"  # as providers know the house
        made = self.provider.register(back, scopes=_SCOPES)
        urls = {
            "authorize_url": f"{self.door.url}oauth2/authorize", "token_url": self.door.token_url,
            "revoke_url": self.door.revoke_url, "device_url": "", "issuer": self.provider.url,
        }  # fmt: skip
        draft = {name: made[name] for name in ("client_id", "client_secret")}
        ada.put("/api/oauth/clients/google", project.reaching({**draft, "urls": urls}))
        settings = project.reaching({"api_url": self.guarded.url})
        begun = ada.post("/api/oauth/authorize", {"connector": "gmail", "capabilities": _MAY, "settings": settings})
        there = begun["url"].replace(self.door.url.replace(LOOPBACK, project.host), f"{self.provider.url}/")
        answer = {**self.provider.allow(there, subject=ADA)}
        account = ada.post("/api/oauth/finish", {"address": f"{begun['redirect_uri']}?{urlencode(answer)}"})
        return ada.synced(account["id"])

    def arrives(self, *subjects: str) -> None:
        """Mails come in for Ada."""
        for each in subjects:
            self.world.act(
                "gmail", "deliver_email", sender=CAROL, subject=each, body="Will you sign on Friday?", to=ADA
            )

    def ids(self, person: str = ADA) -> list[str]:
        """The mails that a mailbox holds."""
        return list(self.world.state("gmail")["mailboxes"][person]["messages"])

    def received(self, person: str) -> Counter[str]:
        """How often each subject came in there."""
        held = self.world.state("gmail")["mailboxes"][person]["messages"].values()
        return Counter(each["subject"] for each in held if "INBOX" in each["labelIds"])

    def read(self) -> Counter[str]:
        """How often each mail was fetched for the copy; whoever reads one for an answer asks for all of its fields."""
        fetched = (urlsplit(each.path) for each in self.front.asked("GET", "/messages/") if each.status == 200)
        heads = [each for each in fetched if {"format", "fields"} <= set(parse_qs(each.query))]
        return Counter(each.path.rpartition("/")[2] for each in heads)


@contextmanager
def google_on_loopback() -> Iterator[Google]:
    """All of it, until the block ends."""
    mails = [
        {"from": CAROL, "to": ADA, "subject": f"Letter {number}", "date": f"2026-11-{1 + number % 18:02}T10:00:00Z",
         "body": f"This is letter {number}.", "labels": ["INBOX"]}
        for number in range(MAILS)
    ]  # fmt: skip
    seed = {"user": {"email": ADA, "name": "Ada"}, "mailboxes": [{"user": {"email": CAROL}}], "emails": mails}
    with ExitStack() as peers:
        provider = peers.enter_context(OidcProvider())
        door = TokenDoor(provider, seconds=TOKEN_SECONDS)
        world = peers.enter_context(MyWorld()).world({"gmail": {"seed": seed}}, [ADA, CAROL])
        front = peers.enter_context(CompletedGmail(world.api("gmail.googleapis.com")))
        guarded = Guarded(front.url, provider, {ADA: world.token(ADA)}, over=door.is_over)
        yield Google(world, front, guarded, provider, door, Authority(workspace("google")), peers)
