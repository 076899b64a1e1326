"""An export stands on its own: the verifier knows nothing of the house and finds every change."""

import ast
import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from deploy import verify_export
from deploy.verify_export import Mismatch, canonical, read_head, verify
from openassistant.context import new_id, utc_now
from openassistant.grants import SigningKey
from openassistant.messages import AuditAction, Done, Record, TreeHead
from services.audit import checkpoint
from tests.services.audit.house import AuditHouse

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=4),
)


async def _filled(house: AuditHouse) -> list[str]:
    calls = await house.fill(3)
    await house.end(calls[0])
    stranger = new_id()
    await house.begin(house.call(user=stranger), house.context(house.grant(user=stranger), user=stranger))
    nobody = house.context().model_copy(update={"grant": None, "user": None})
    await house.send("gateway", Record(id=new_id(), action=AuditAction.CONNECTOR_APPROVED), nobody)
    await house.begin(house.call(arguments={"ratio": 1e21, "small": 0.000001, "text": "ä\u2028\x7f\n", "none": None}))
    return await house.export(limit=2)


async def test_a_good_export_fits(house: AuditHouse) -> None:
    report = verify(await _filled(house), house.trust.raw_public("audit"))
    assert (report.size, report.whole, report.calls) == (7, 6, 4)


async def test_an_empty_ledger_fits(house: AuditHouse) -> None:
    assert verify(await house.export(), house.trust.raw_public("audit")).size == 0


async def test_records_of_others_are_bare_hashes(house: AuditHouse) -> None:
    lines = [json.loads(line) for line in await _filled(house)]
    assert set(lines[4]) == {"index", "leaf"}
    assert all("record" in each for each in lines[:4])


async def test_the_export_of_another_user_shows_other_rows_of_the_same_tree(house: AuditHouse) -> None:
    await _filled(house)
    other = verify(await house.export(new_id()), house.trust.raw_public("audit"))
    assert (other.size, other.whole) == (7, 1)


async def test_an_export_continues_a_head_that_was_kept_before(house: AuditHouse) -> None:
    await house.fill(2)
    kept = await house.ask("head", Done(), TreeHead)
    lines, public = await _filled(house), house.trust.raw_public("audit")
    assert verify(lines, public, kept=kept.checkpoint).size == 9


def _changed(path: tuple[Any, ...], value: Any) -> Callable[[list[dict[str, Any]]], Any]:
    def change(lines: list[dict[str, Any]]) -> None:
        *way, last = path
        place: Any = lines
        for step in way:
            place = place[step]
        assert place[last] != value
        place[last] = value

    return change


_ZERO = "00" * 32
_TAMPERED: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "a field": _changed((1, "record", "tool"), "messages_send"),
    "a field more": lambda lines: lines[1]["record"].update(outcome="done"),
    "a field less": lambda lines: lines[1]["record"].pop("turn"),
    "the ciphertext": _changed((1, "record", "content"), "AAAA"),
    "the arguments": _changed((1, "content", "arguments"), {"query": "else"}),
    "the nonce": _changed((1, "content", "nonce"), "0" * 32),
    "a leaf": _changed((1, "leaf"), _ZERO),
    "a leaf of others": _changed((4, "leaf"), _ZERO),
    "a leaf that is none": _changed((4, "leaf"), "zz"),
    "a leaf too short": _changed((4, "leaf"), "00"),
    "an index": _changed((1, "index"), 7),
    "a position": _changed((1, "record", "position"), 2),
    "no record": lambda lines: lines[1].update(record="x"),
    "a line less": lambda lines: lines.pop(2),
    "the last record": lambda lines: lines.pop(-2),
    "the first line": lambda lines: lines.pop(0),
    "a line twice": lambda lines: lines.insert(2, copy.deepcopy(lines[1])),
    "two lines swapped": lambda lines: lines.insert(1, lines.pop(2)),
    "no head": lambda lines: lines.pop(),
    "the head first": lambda lines: lines.insert(0, lines.pop()),
    "the head's size": _changed((-1, "head", "size"), 99),
    "the head's root": _changed((-1, "head", "root"), _ZERO),
    "the note": lambda lines: lines[-1]["head"].update(checkpoint=lines[-1]["head"]["checkpoint"].replace("7", "8", 1)),
    "no note": lambda lines: lines[-1]["head"].pop("checkpoint"),
    "a head that is none": lambda lines: lines[-1].update(head=7),
}


async def test_every_change_is_found(house: AuditHouse) -> None:
    lines = [json.loads(line) for line in await _filled(house)]
    for change in _TAMPERED.values():
        tampered = copy.deepcopy(lines)
        change(tampered)
        with pytest.raises(Mismatch):
            verify([json.dumps(line) for line in tampered], house.trust.raw_public("audit"))


async def test_a_changed_record_is_named(house: AuditHouse) -> None:
    lines = await _filled(house)
    lines[3] = lines[3].replace("tool.finished", "tool.failed")
    with pytest.raises(Mismatch, match="record 3 was changed"):
        verify(lines, house.trust.raw_public("audit"))


@pytest.mark.parametrize("line", ["{", "[]", "7", '"x"'])
async def test_a_line_that_is_no_record_is_named(house: AuditHouse, line: str) -> None:
    lines = await _filled(house)
    with pytest.raises(Mismatch, match="line 3"):
        verify([*lines[:2], line, *lines[3:]], house.trust.raw_public("audit"))


async def test_an_export_signed_by_another_key_does_not_fit(house: AuditHouse) -> None:
    with pytest.raises(Mismatch, match="not signed"):
        verify(await _filled(house), SigningKey.generate().raw_public())


async def test_a_ledger_that_was_cut_before_the_export_does_not_fit_a_kept_head(house: AuditHouse) -> None:
    lines, public = await _filled(house), house.trust.raw_public("audit")
    kept = checkpoint.sign(9, bytes(32), utc_now(), house.key.raw_private())
    with pytest.raises(Mismatch, match="cut off: 9"):
        verify(lines, public, kept=kept.checkpoint)
    other = checkpoint.sign(3, bytes(32), utc_now(), house.key.raw_private())
    with pytest.raises(Mismatch, match="the first 3 records"):
        verify(lines, public, kept=other.checkpoint)


def test_a_head_of_another_ledger_is_refused() -> None:
    key = SigningKey.generate()
    note = checkpoint.sign(3, bytes(32), utc_now(), key.raw_private()).checkpoint
    assert read_head(note, key.raw_public()).size == 3
    with pytest.raises(Mismatch):
        read_head(note.replace("open-assistant/ledger", "somebody/else"), key.raw_public())


@given(_JSON)
def test_the_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)


def test_the_verifier_needs_nothing_of_the_product() -> None:
    tree = ast.parse(Path(str(verify_export.__file__)).read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in imports}
    assert {name.split(".")[0] for name in names} <= {*sys.stdlib_module_names, "cryptography"}


async def test_the_command_says_what_fits_and_what_does_not(house: AuditHouse, tmp_path: Path) -> None:
    lines = await _filled(house)
    export, trust, head = tmp_path / "ledger.jsonl", tmp_path / "trust.json", tmp_path / "kept"
    export.write_text("\n".join(lines) + "\n")
    trust.write_text(house.trust.dump())
    head.write_text((await house.ask("head", Done(), TreeHead)).checkpoint)
    good = _run(tmp_path, str(export), "--trust", str(trust), "--head", str(head))
    assert good.returncode == 0
    assert good.stdout.startswith("Fits: 7 records, 6 of them whole, 4 calls")
    export.write_text("\n".join(lines).replace("messages_search", "messages_send", 1))
    bad = _run(tmp_path, str(export), "--trust", str(trust))
    assert (bad.returncode, bad.stdout) == (1, "Does not fit: record 0 was changed.\n")
    assert _run(tmp_path, str(export), "--trust", str(tmp_path / "missing")).returncode == 2


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier as a stranger would run it: alone, from elsewhere, without the product on the path."""
    command = [sys.executable, "-I", str(Path(str(verify_export.__file__)).resolve()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=30)


async def test_an_export_is_held_against_a_whole_file_of_heads(house: AuditHouse) -> None:
    notes = []
    for _ in range(3):
        await house.fill(2)
        notes.append((await house.ask("head", Done(), TreeHead)).checkpoint)
    lines, public = await house.export(), house.trust.raw_public("audit")
    assert verify(lines, public, kept="\n".join(notes)).size == 6
    other = checkpoint.sign(4, bytes(32), utc_now(), house.key.raw_private()).checkpoint
    for text, words in (
        ("\n".join([*notes, "and more"]), "something that is none"),
        ("\n".join([notes[0], other]), "the first 4 records are not those"),
        ("\n".join([*notes, other]), "two heads over 4"),
    ):
        with pytest.raises(Mismatch, match=words):
            verify(lines, public, kept=text)
