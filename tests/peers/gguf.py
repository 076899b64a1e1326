"""A language model of 100 kB with random weights, as a GGUF file: it babbles, but every engine for such files loads it.

The format is GGUF 3 (ggml's docs/gguf.md); the architecture is `llama` with one layer and a vocabulary of bytes.
"""

import importlib.util
import os
import random
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NEEDS_ENGINE", "write_model"]

NEEDS_ENGINE = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None and "REQUIRE_PEERS" not in os.environ,
    reason="needs the package xllamacpp, which `make local` installs",
)
"""The mark of a test that runs such a file."""

_WIDTH, _HEADS, _INNER = 32, 2, 64
_ALIGNMENT = 32
_UINT32, _FLOAT32, _STRING, _ARRAY, _INT32 = 4, 6, 8, 9, 5
_UNKNOWN, _CONTROL, _BYTE = 2, 3, 6
_TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def write_model(path: Path, *, name: str = "Babbler", context: int = 32_768) -> Path:
    """Write the model; the same bytes each time."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    kinds = [_UNKNOWN, _CONTROL, _CONTROL, *[_BYTE] * 256]
    facts: dict[str, tuple[int, Any]] = {
        "general.architecture": (_STRING, "llama"),
        "general.name": (_STRING, name),
        "llama.context_length": (_UINT32, context),
        "llama.embedding_length": (_UINT32, _WIDTH),
        "llama.block_count": (_UINT32, 1),
        "llama.feed_forward_length": (_UINT32, _INNER),
        "llama.attention.head_count": (_UINT32, _HEADS),
        "llama.attention.head_count_kv": (_UINT32, _HEADS),
        "llama.rope.dimension_count": (_UINT32, _WIDTH // _HEADS),
        "llama.attention.layer_norm_rms_epsilon": (_FLOAT32, 1e-5),
        "tokenizer.ggml.model": (_STRING, "llama"),
        "tokenizer.ggml.tokens": (_ARRAY, (_STRING, tokens)),
        "tokenizer.ggml.scores": (_ARRAY, (_FLOAT32, [0.0] * len(tokens))),
        "tokenizer.ggml.token_type": (_ARRAY, (_INT32, kinds)),
        "tokenizer.ggml.unknown_token_id": (_UINT32, 0),
        "tokenizer.ggml.bos_token_id": (_UINT32, 1),
        "tokenizer.ggml.eos_token_id": (_UINT32, 2),
        "tokenizer.chat_template": (_STRING, _TEMPLATE),
    }
    path.write_bytes(_file(facts, _shapes(len(tokens))))
    return path


def _shapes(vocabulary: int) -> dict[str, Sequence[int]]:
    """Tensors by name, their dimensions as GGUF counts them: the innermost first."""
    square = dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), (_WIDTH, _WIDTH))
    inner = {"ffn_gate": (_WIDTH, _INNER), "ffn_up": (_WIDTH, _INNER), "ffn_down": (_INNER, _WIDTH)}
    norms: dict[str, Sequence[int]] = {"attn_norm": (_WIDTH,), "ffn_norm": (_WIDTH,)}
    layer = {f"blk.0.{name}.weight": shape for name, shape in {**norms, **square, **inner}.items()}
    ends = {"token_embd.weight": (_WIDTH, vocabulary), "output.weight": (_WIDTH, vocabulary)}
    return {**ends, "output_norm.weight": (_WIDTH,), **layer}


def _file(facts: Mapping[str, tuple[int, Any]], shapes: Mapping[str, Sequence[int]]) -> bytes:
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(shapes), len(facts))
    head += b"".join(_text(key) + struct.pack("<I", kind) + _value(kind, value) for key, (kind, value) in facts.items())
    dice, data = random.Random(1), b""
    for name, shape in shapes.items():
        dimensions = struct.pack(f"<I{len(shape)}QI", len(shape), *shape, 0)  # 0: 32-bit floats
        head += _text(name) + dimensions + struct.pack("<Q", len(data))
        data += _padded(_weights(shape, dice))
    return _padded(head) + data


def _weights(shape: Sequence[int], dice: random.Random) -> bytes:
    count = 1
    for each in shape:
        count *= each
    plain = [1.0] * count if len(shape) == 1 else [dice.gauss(0, 0.2) for _ in range(count)]
    return struct.pack(f"<{count}f", *plain)


def _value(kind: int, value: Any) -> bytes:
    if kind == _STRING:
        return _text(value)
    if kind == _ARRAY:
        inner, items = value
        return struct.pack("<IQ", inner, len(items)) + b"".join(_value(inner, each) for each in items)
    return struct.pack({_UINT32: "<I", _INT32: "<i", _FLOAT32: "<f"}[kind], value)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % _ALIGNMENT)
