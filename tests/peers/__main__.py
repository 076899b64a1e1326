"""All peers at once, for trying the product by hand: `python -m tests.peers [--mails 10000]`.

A mailbox with Carol's mails about the lease, a submission server, a calendar and the scripted model, on fixed loopback
ports; prints what to type into the account forms. Ctrl-C ends them and removes all mail.
"""

import argparse
import logging
import signal
import threading
import time
from contextlib import ExitStack

from tests.peers.house import House, open_house


def _explain(house: House, seconds: float) -> str:
    mail, calendar = house.mail_account(), house.calendar_account()
    rows = {**mail["settings"], **mail["secrets"]}
    lines = [
        f"Ready in {seconds:.1f} s. {house.seeded.total} mails; Carol's newest is {house.seeded.lease_message_id}.",
        "",
        "Mail account",
        *(f"  {name:14} {value}" for name, value in rows.items()),
        "Calendar account",
        *(f"  {name:14} {value}" for name, value in {**calendar["settings"], **calendar["secrets"]}.items()),
        "Model",
        f"  OA_MODEL=openai/{house.model.name} OA_MODEL_BASE_URL={house.model.url}",
        "",
        "Then ask: What did Carol write about the lease? Tell her I sign on Friday, and put it in my calendar.",
        f"What came of it: {house.model.url.removesuffix('/v1')}/_peer/mails and …/_peer/events, …/_peer/requests",
        "Ctrl-C ends everything.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__.partition("\n")[0])
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=20)
    parser.add_argument("--script", default="story", help="a JSON file, or the name of one in tests/peers/scripts")
    given = parser.parse_args()
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as stack:
        begun = time.monotonic()
        house = open_house(stack, mails=given.mails, events=given.events, script=given.script, fixed_ports=True)
        print(_explain(house, time.monotonic() - begun), flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
