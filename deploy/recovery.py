"""The root key on paper: groups that are typed without mistakes, a code to scan, and what to do with them.

52 letters of Crockford's base 32 (no I, L, O, U), thirteen groups of four, each with a fifth letter that checks it and
its place: one wrong letter, or two that changed places, is found, and said in which group.
"""

from __future__ import annotations

import hashlib
import html
import re

import segno

from openassistant.errors import InvalidRequest
from services.vault.rootkey import RootKey

__all__ = ["page", "read", "spell"]

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_LIKE = str.maketrans("OIL", "011")
_GROUPS, _SIZE = 13, 4
_SPARE = _GROUPS * _SIZE * 5 - 256
"""Bits that the key leaves over; they check the whole."""


def spell(root: RootKey) -> tuple[str, ...]:
    """The thirteen groups of a root key."""
    raw = root.raw()
    bits = int.from_bytes(raw) << _SPARE | hashlib.sha256(raw).digest()[0] >> 8 - _SPARE
    values = [bits >> 5 * place & 31 for place in reversed(range(_GROUPS * _SIZE))]
    groups = [values[start : start + _SIZE] for start in range(0, len(values), _SIZE)]
    return tuple(
        "".join(_LETTERS[each] for each in (*group, _check(place, group))) for place, group in enumerate(groups)
    )


def read(typed: str) -> RootKey:
    """The root key that somebody typed; raises `InvalidRequest` that names the groups that are wrong."""
    letters = re.sub(r"[\s\-·.]", "", typed).upper().translate(_LOOKS_LIKE)
    if len(letters) != _GROUPS * (_SIZE + 1) or not {*letters} <= {*_LETTERS}:
        strange = "".join(sorted({*letters} - {*_LETTERS}))
        raise InvalidRequest(
            f"{strange[:10]!r} does not occur in a root key." if strange else
            f"A root key has {_GROUPS} groups of {_SIZE + 1} letters; these are {len(letters)} letters, "
            f"not {_GROUPS * (_SIZE + 1)}."
        )  # fmt: skip
    groups = [letters[start : start + _SIZE + 1] for start in range(0, len(letters), _SIZE + 1)]
    values = [[_LETTERS.index(each) for each in group] for group in groups]
    wrong = [str(place + 1) for place, group in enumerate(values) if _check(place, group[:-1]) != group[-1]]
    if wrong:
        raise InvalidRequest(f"Wrong: group {', '.join(wrong)} (counted from 1). Read it again from the sheet.")
    bits = 0
    for group in values:
        for each in group[:-1]:
            bits = bits << 5 | each
    root = RootKey((bits >> _SPARE).to_bytes(32))
    if spell(root) != tuple(groups):
        raise InvalidRequest("Each group is right in itself, but together they are no key. Read all of it again.")
    return root


def page(root: RootKey, *, house: str, made: str) -> str:
    """The sheet as one HTML file that needs nothing else, for a sheet of A4 or Letter paper."""
    groups = spell(root)
    code = segno.make("".join(groups), error="m", micro=False).svg_inline(scale=5, border=2)
    cells = "".join(f"<li><b>{number}</b><code>{group}</code></li>" for number, group in enumerate(groups, start=1))
    return _PAGE.format(
        cells=cells, code=code, house=html.escape(house), made=html.escape(made), sample=html.escape(groups[0])
    )


def _check(place: int, group: list[int]) -> int:
    """The check of a group: a sum over GF(32) in which every place has a weight of its own, and the group's number."""
    total = place + 1
    for power, value in enumerate(group, start=1):
        total ^= _times(1 << power, value)
    return total


def _times(left: int, right: int) -> int:
    """The product in GF(32), modulo x^5 + x^2 + 1."""
    product = 0
    for place in range(5):
        product ^= left << place if right >> place & 1 else 0
    for place in reversed(range(5, 10)):
        product ^= 0b100101 << place - 5 if product >> place & 1 else 0
    return product


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Recovery sheet</title>
<style>
  body {{ font: 11pt/1.45 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #000;
         background: #fff; }}
  h1 {{ font-size: 18pt; margin: 0; }} h2 {{ font-size: 12pt; margin: 1.2rem 0 .3rem; }}
  ol.key {{ list-style: none; padding: 0; display: grid; gap: .4rem;
           grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); }}
  ol.key b {{ display: inline-block; width: 1.6rem; font-weight: 400; color: #444; font-size: 9pt; }}
  code {{ font: 600 15pt ui-monospace, "DejaVu Sans Mono", monospace; letter-spacing: .12em; }}
  pre code {{ font: 10pt ui-monospace, "DejaVu Sans Mono", monospace; letter-spacing: 0; }}
  svg {{ display: block; max-width: 45mm; height: auto; }}
  @media print {{ body {{ margin: 0; }} }}
</style>
</head>
<body>
<h1>Open Assistant: recovery sheet</h1>
<p>House <b>{house}</b>, printed on {made}.</p>
<h2>The root key</h2>
<ol class="key">{cells}</ol>
<p>Each group ends in a letter that checks it. There is no I, L, O or U; what looks like one is 1 or 0.</p>
{code}
<h2>What it opens</h2>
<p>Everything: with this key and a copy of the house, or its data directory, everything in it can be read. Without it
nobody can, nor can anybody make another. Keep this sheet where you keep papers that must not be lost, not beside the
copies, and take no picture of it.</p>
<h2>How to get everything back</h2>
<ol>
<li>Install Open Assistant on a machine, the version of the copy or a newer one. Do not start it.</li>
<li>Fetch the newest copy: <code style="font-size:10pt">open-assistant-{house}-….tar.age</code></li>
<li>In the folder of the program:
<pre><code>make restore FROM=/path/to/the/copy.tar.age</code></pre>
and type the groups when you are asked, in order, with or without spaces ({sample} …).</li>
<li><pre><code>make run</code></pre>What waited in the copy is put aside, for it may have been done since.</li>
</ol>
<p>A key that was changed since (rotated) makes this sheet good only for copies from before: print a new one then.</p>
</body>
</html>
"""
