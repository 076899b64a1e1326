"""The everyday tasks on a running house, each to its end, with the questions that its owner got."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import parseaddr

from tests.e2e.stack import Person, Stack
from tests.everyday.home import Home, open_home
from tests.everyday.looks import Looks
from tests.everyday.tables import Rule, Task, read_tasks, read_week
from tests.peers.process import PeerError
from tests.peers.script import Script, Step, ToolCall

__all__ = ["Household", "Outcome", "mean", "move_in"]

_WITHIN = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of a task: the tools of which its owner was asked, and what is not as it should be."""

    task: Task
    asked: tuple[str, ...]
    faults: tuple[str, ...] = ()

    def expected(self, *, rules: bool) -> tuple[str, ...]:
        """The tools of which the table says that a question comes."""
        return tuple(sorted(self.task.asked if rules else (*self.task.asked, *self.task.spared)))


@dataclass
class Household:
    """A house whose owner connected mail and calendar, and asks."""

    owner: Person
    home: Home
    looks: Looks
    conversation: str = ""

    def first_week(self) -> list[Outcome]:
        """The tasks of the first week; out of a question of each a rule is made, through the same door as anybody's."""
        return [self._run(each, rule=each.rule) for each in read_week(self.home.today)]

    def everyday(self, *, apart: bool = True) -> list[Outcome]:
        """All the tasks, in their order: in a conversation of its own what follows no other, or all in one."""
        self.conversation = self.owner.converse()
        return [self._run(each, apart=apart) for each in read_tasks(self.home.today)]

    def _run(self, task: Task, *, apart: bool = True, rule: Rule | None = None) -> Outcome:
        self.looks.begin()
        self.home.house.model.script = _script(task)
        if apart and not task.follows:
            self.conversation = self.owner.converse()
        self.owner.say(self.conversation, task.words)
        asked, said, faults = self._settle(rule)
        return Outcome(task, tuple(sorted(asked)), (*faults, *self.looks.missing(task, said)))

    def _settle(self, rule: Rule | None) -> tuple[list[str], str, list[str]]:
        """Says yes to whatever is asked; the tools that were asked about, the answer, and the calls that failed."""
        asked, deadline = dict[str, str](), time.monotonic() + _WITHIN
        while True:
            for each in self.owner.pending(self.conversation):
                asked[each["id"]] = each["tool"]
                if rule is not None and each["tool"] == rule.tool:
                    self._make_rule(each["id"], rule)
                self.owner.decide(each["id"], "approve")
            view = self.owner.get(f"/api/conversations/{self.conversation}")
            if view["state"] == "idle":
                break
            if time.monotonic() > deadline:
                raise PeerError(f"no end within {_WITHIN:.0f} s: {view}")
            time.sleep(0.03)
        last = view["messages"][-1]
        newest = [each for each in view["messages"] if each["turn"] == last["turn"]]
        failed = [call for message in newest for call in message["calls"] if call["state"] != "done"]
        faults = [f"{call['tool']} is {call['state']}: {call['result']}" for call in failed]
        return list(asked.values()), last["text"], faults

    def _make_rule(self, approval: str, wanted: Rule) -> None:
        """A rule out of a question, for exactly the people that the table names."""
        made = self.owner.http.post("/api/rules", json={"approval": approval, "lasts": "month"})
        made.raise_for_status()
        people = [parseaddr(each)[1] for each in made.json()["people"]]
        if people != list(wanted.people):
            raise PeerError(f"the rule of {wanted.tool} is for {people}")


@contextmanager
def move_in() -> Iterator[Household]:
    """A running house with the peers of a household, both accounts connected."""
    with ExitStack() as opened:
        home = open_home(opened)
        stack = opened.enter_context(Stack(model=home.house.model))
        owner = opened.enter_context(stack.sign_in())
        owner.lift_limits()
        for account in home.accounts:
            owner.connect(account)
        looks = Looks(home)
        opened.callback(looks.close)
        yield Household(owner, home, looks)


def mean(outcomes: Iterable[Outcome]) -> float:
    """Questions for each task."""
    counted = [len(each.asked) for each in outcomes]
    return sum(counted) / len(counted)


def _script(task: Task) -> Script:
    """A model that makes the task's calls, step by step, and then answers."""
    steps = [Step(calls=[ToolCall(name, given) for name, given in each.items()]) for each in task.calls]
    return Script([*steps, Step(say=task.answer)])
