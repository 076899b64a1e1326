"""A mail to oneself: sent by one's own account to one's own address, under a rule that holds for nothing else.

It goes the way of every mail: a turn of a command, put to the policy, written down, run by the connector. The rule is
tied to one conversation, which holds these mails; it reaches one address.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from pydantic import ValidationError

from openassistant.context import Clock, new_id
from openassistant.errors import Conflict, NotFound
from openassistant.grants import Trust
from openassistant.messages import Call, Command, CommandCall, Effect, Id, Wire
from openassistant.rules import places
from services.gateway import views
from services.gateway.accounts import Accounts
from services.gateway.chat import Chat, zone_of
from services.gateway.connectors import Connectors
from services.gateway.grants import Grants
from services.gateway.notices import Notice
from services.gateway.proposals import Proposals
from services.gateway.rules import Rules
from services.gateway.sessions import SignedIn
from services.gateway.users import User

__all__ = ["MailChoice", "OwnMail", "read_choice"]

_COMMAND = "mail"
_LINK_LIFE = timedelta(days=7)
_FIELDS = ("to", "subject", "text")


class MailChoice(Wire):
    """The account, its own address, the conversation and the rule; `base` is where its owner reaches this house."""

    account: Id
    connector: str
    address: str
    conversation: Id
    rule: Id
    session: Id
    base: str


class OwnMail:
    """Makes such a choice, and sends."""

    def __init__(
        self,
        accounts: Accounts,
        connectors: Connectors,
        chat: Chat,
        rules: Rules,
        *,
        proposals: Proposals,
        grants: Grants,
        trust: Trust,
        clock: Clock,
    ) -> None:
        self._accounts, self._connectors, self._chat, self._rules = accounts, connectors, chat, rules
        self._proposals, self._grants, self._trust, self._clock = proposals, grants, trust, clock

    async def choose(self, me: SignedIn, draft: views.OwnMailDraft, *, base: str, address: str) -> MailChoice:
        """A rule for mails from an account of one's own to its own address, in a conversation made for them.

        Raises `NotFound`, `Conflict` where that account sends no mail or its mail would go elsewhere, and what making a
        rule raises.
        """
        account = await self._accounts.view(me, draft.account)
        own = str(account.settings.get("address", ""))
        arguments = self._arguments(account.connector, own, "Something waits for your yes", base)
        card, digest = self._connectors.usable(account.connector)
        await self._rules.confirm_own(me, password=draft.password, address=address)
        call = Call(
            id=new_id(), nonce=secrets.token_hex(16), user=me.user.id, account=account.id, connector=card.id,
            card_digest=digest, tool=card.commands[_COMMAND].tool, arguments=arguments,
        )  # fmt: skip
        token = self._grants.turn(me.user.id, turn=new_id(), conversation=new_id(), routes={})
        effect, shown, _ = await self._proposals.look(call, self._trust.grant(token, now=self._clock()), token, None)
        if effect is not Effect.SEND or places(shown.destinations) != {f"recipient:{own}".casefold()}:
            raise Conflict("A mail of this account would not go to your own address alone.")
        conversation = (await self._chat.create(me, title="Notices to yourself")).id
        rule = await self._rules.allow_own(me, call, shown, conversation=conversation)
        return MailChoice(
            account=account.id, connector=card.id, address=own, conversation=conversation, rule=rule,
            session=me.session, base=base,
        )  # fmt: skip

    async def give_up(self, me: SignedIn, choice: MailChoice) -> None:
        """Ends the rule; what was sent stays in its conversation."""
        try:
            await self._rules.revoke(me, choice.rule)
        except NotFound:
            return

    async def tell(self, user: User, choice: MailChoice, notice: Notice, *, content: str) -> bool:
        """Sends one; whether it is under way. Without its rule it would only ask, so then it is not sent."""
        if not any(each.rule.id == choice.rule for each in await self._rules.of(user.id)):
            return False
        expires = max(notice.ends or self._clock(), self._clock() + timedelta(hours=1))
        link = self._grants.link(user.id, approval=notice.about, expires=min(expires, self._clock() + _LINK_LIFE))
        words = "\n\n".join(
            each
            for each in (
                notice.body, content, f"{choice.base}/notice#{link}",
                "The link asks you to sign in. By itself it shows nothing and decides nothing.",
            )
            if each
        )  # fmt: skip
        arguments = self._arguments(choice.connector, choice.address, notice.title, words)
        tool = self._connectors.usable(choice.connector)[0].commands[_COMMAND].tool
        wanted = CommandCall(connector=choice.connector, tool=tool, account=choice.account, arguments=arguments)
        me = SignedIn(session=choice.session, user=user, expires=self._clock() + timedelta(minutes=1))
        await self._chat.command(
            me, choice.conversation, Command(name="notice", calls=(wanted,)), text=f"/notice {notice.title}",
            zone=zone_of(None),
        )  # fmt: skip
        return True

    def _arguments(self, connector: str, own: str, subject: str, words: str) -> dict[str, object]:
        """A mail as the connector's own command for mails takes it; raises `Conflict` where it has none."""
        card, _ = self._connectors.usable(connector)
        command = card.commands.get(_COMMAND)
        if command is None or "@" not in own or any(name not in command.arguments for name in _FIELDS):
            raise Conflict("This account sends no mail of its own, so it cannot be used for this.")
        given = {"to": [own], "subject": subject, "text": words}
        return {command.arguments[name]: value for name, value in given.items()}


def read_choice(kept: str | None) -> MailChoice | None:
    """The choice that was kept; None for none, and for one of another version."""
    try:
        return MailChoice.model_validate_json(kept) if kept else None
    except ValidationError:
        return None
