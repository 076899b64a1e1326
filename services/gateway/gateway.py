"""The room's parts, made once in `__main__` (or by a test) and handed to the routes."""

from __future__ import annotations

from dataclasses import dataclass

from services.gateway.accounting import Accounting
from services.gateway.accounts import Accounts
from services.gateway.agui import Agui
from services.gateway.approvals import Approvals
from services.gateway.browsers import Browsers
from services.gateway.chat import Chat
from services.gateway.commands import Commands
from services.gateway.completions import Completions
from services.gateway.connectors import Connectors
from services.gateway.copies import Copies
from services.gateway.erasing import Erasing
from services.gateway.factors import Factors
from services.gateway.given import Given
from services.gateway.health import Health
from services.gateway.hooks import Door
from services.gateway.house import HouseRules
from services.gateway.installation import Installation
from services.gateway.joining import Joining
from services.gateway.ledger import Ledger
from services.gateway.left import Left
from services.gateway.loans import Loans
from services.gateway.looks import Looks
from services.gateway.memories import Memories
from services.gateway.models import Models
from services.gateway.moving import Moving
from services.gateway.openid import OpenId
from services.gateway.outcomes import Outcomes
from services.gateway.parts import Parts
from services.gateway.passkeys import Passkeys
from services.gateway.people import People
from services.gateway.receipts import Receipts
from services.gateway.retention import Retention
from services.gateway.rotations import Rotations
from services.gateway.routing import Routing
from services.gateway.rules import Rules
from services.gateway.runs import Runs
from services.gateway.schedules import Schedules
from services.gateway.sessions import Sessions
from services.gateway.setup import Setup
from services.gateway.shelf import Shelf
from services.gateway.signins import SignIns
from services.gateway.streams import Streams
from services.gateway.teller import Teller
from services.gateway.tokens import Tokens
from services.gateway.undoable import Undoables

__all__ = ["Gateway"]


@dataclass(frozen=True)
class Gateway:
    """Everything that a route may need."""

    sessions: Sessions
    tokens: Tokens
    setup: Setup
    connectors: Connectors
    accounts: Accounts
    loans: Loans
    sign_ins: SignIns
    door: Door
    chat: Chat
    given: Given
    shelf: Shelf
    commands: Commands
    looks: Looks
    completions: Completions
    streams: Streams
    agui: Agui
    approvals: Approvals
    outcomes: Outcomes
    undoables: Undoables
    browsers: Browsers
    teller: Teller
    rules: Rules
    schedules: Schedules
    runs: Runs
    memories: Memories
    routing: Routing
    receipts: Receipts
    ledger: Ledger
    left: Left
    models: Models
    accounting: Accounting
    health: Health
    erasing: Erasing
    copies: Copies
    house: HouseRules
    installation: Installation
    people: People
    joining: Joining
    openid: OpenId
    factors: Factors
    passkeys: Passkeys
    moving: Moving
    parts: Parts
    retention: Retention
    rotations: Rotations
