"""The house's own tools in words: their arguments, and what a call of them will do."""

from __future__ import annotations

from pydantic import ValidationError

from openassistant.builtin import MemorySave, SchedulePropose
from openassistant.connector import explain
from openassistant.errors import InvalidRequest, NotFound
from openassistant.messages import Call, Effect, Preview, PreviewField
from services.gateway import occurrences
from services.gateway.occurrences import When

__all__ = ["parsed", "previewed"]

_ARGUMENTS: dict[str, type[MemorySave | SchedulePropose]] = {
    "memory_save": MemorySave,
    "schedule_propose": SchedulePropose,
}
_TAINTED = "This was written after reading texts of others, and stays marked so."


def previewed(call: Call, zone: str | None, *, tainted: bool) -> Preview:
    """What a call will do; raises `InvalidRequest` for arguments that the tool does not take."""
    arguments = parsed(call)
    warnings = (_TAINTED,) if tainted else ()
    if isinstance(arguments, MemorySave):
        return Preview(
            verb="Remember", confirm="Remember", effect=Effect.WRITE, account="Memory", content=arguments.text,
            warnings=warnings,
        )  # fmt: skip
    when = When(starts=arguments.starts.replace(tzinfo=None), zone=zone or "UTC", rule=arguments.rule)
    fields = (
        PreviewField(label="Name", value=arguments.name),
        PreviewField(label="When", value=occurrences.in_words(occurrences.checked(when))),
    )
    return Preview(
        verb="Propose a schedule", confirm="Put it under Schedules", effect=Effect.WRITE, account="Schedules",
        fields=fields, content=arguments.prompt, warnings=warnings,
    )  # fmt: skip


def parsed(call: Call) -> MemorySave | SchedulePropose:
    """The arguments of a call; raises `NotFound`, `InvalidRequest` in words that let a model correct itself."""
    model = _ARGUMENTS.get(call.tool)
    if model is None:
        raise NotFound(f"The house has no tool {call.tool[:60]!r}.")
    try:
        return model.model_validate(call.arguments)
    except ValidationError as error:
        raise InvalidRequest(f"{call.tool}: {explain(error)}") from error
