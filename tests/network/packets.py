"""What tcpdump says of a packet, as what a process wanted: to reach somebody, or to have a name looked up."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Packet", "read_packets"]

_LINE = re.compile(r"\d+\.\d+ IP6? (?P<source>\S+) > (?P<goal>\S+): (?P<words>.*)")
_SOUGHT = re.compile(r"\d+\.\d+ (?:ARP, Request who-has|IP6 .* neighbor solicitation, who has) (?P<goal>[^ ,]+)")
_QUESTION = re.compile(r"\d+\S* (?:\[[^]]*\] )?(?:[A-Z]\w* \(Q[UM]\)\? |[A-Z]\w*\? )(?P<name>\S+)")
_HOUSEKEEPING = re.compile(
    r"ICMP6?, (destination )?unreachable|ICMP \S+ \w+ .*unreachable"
    r"|ICMP6, neighbor (advertisement|solicitation)|(HBH )?ICMP6, multicast listener"
)
"""What the kernel says by itself: that nobody listens, who it is, and which groups it hears."""
_DNS = 53


@dataclass(frozen=True)
class Packet:
    """One packet that a process meant to leave: the first of a connection, or one of those that begin none.

    `name` is what a question to a name server asks for; `port` is 0 where there is none.
    """

    moment: float
    goal: str
    port: int
    words: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.goal} {self.port}: {self.words}"


def read_packets(lines: Iterable[str], *, neighbours: tuple[str, str]) -> Iterator[Packet]:
    """What the lines of `tcpdump -nn -tt` tell; the neighbours are the only ones that may be sought on the wire."""
    for line in lines:
        moment = float(line.partition(" ")[0])
        if sought := _SOUGHT.match(line):
            if sought["goal"] not in neighbours:
                yield Packet(moment, sought["goal"], 0, "sought on the wire")
        elif found := _LINE.match(line):
            if packet := _packet(moment, found["goal"], found["words"]):
                yield packet
        elif " ARP, Reply " not in line:
            yield Packet(moment, line, 0, "of no kind that is known")


def _packet(moment: float, goal: str, words: str) -> Packet | None:
    if words.startswith("Flags ["):
        if not words.startswith(("Flags [S],", "Flags [SEW],")):
            return None
        words = "TCP"
    elif _HOUSEKEEPING.match(words):
        return None
    host, port = _divided(goal)
    asked = _QUESTION.match(words) if port in (_DNS, 5353) else None
    return Packet(moment, host, port, words, asked["name"].rstrip(".").lower() if asked else "")


def _divided(goal: str) -> tuple[str, int]:
    """Host and port: tcpdump puts a dot between them, and none behind an address without one."""
    host, _, port = goal.rpartition(".")
    whole = (":" not in goal and goal.count(".") == 3) or (":" in goal and "." not in goal)
    return (goal, 0) if whole else (host, int(port))
