"""Two hundred bodies that must be refused, made from a seed (S13)."""

from __future__ import annotations

import json
import random

SEED = 13


def broken_bodies(count: int = 200) -> list[tuple[str, bytes]]:
    """Return reason and body; the reasons are those the answer must name, or ``any``."""
    dice = random.Random(SEED)
    bodies = list(FIXED)
    valid = json.dumps({"username": "ada", "display_name": "Ada", "password": "x" * 20, "role": "admin"})
    while len(bodies) < count:
        bodies.append(dice.choice(MAKERS)(dice, valid))
    return bodies


def _truncated(dice: random.Random, valid: str) -> tuple[str, bytes]:
    return "syntax", valid[: dice.randrange(1, len(valid) - 1)].encode()


def _doubled(dice: random.Random, valid: str) -> tuple[str, bytes]:
    name = dice.choice(["username", "role", "a", "", "\\u0061"])
    return "duplicate_key", f'{{"{name}": 1, "x": {{}}, "{name}": 2}}'.encode()


def _deep(dice: random.Random, valid: str) -> tuple[str, bytes]:
    depth = dice.choice([33, 34, 100, 5000, 100_000])
    pair = dice.choice([("[", "]"), ('{"a":', "}")])
    return "depth", (pair[0] * depth + "1" + pair[1] * depth).encode()


def _huge(dice: random.Random, valid: str) -> tuple[str, bytes]:
    number = dice.choice([2**63, -(2**63) - 1, 10**19, 10**25, int("9" * 4000)])
    return "integer", f'{{"username": {number}}}'.encode()


def _number(dice: random.Random, valid: str) -> tuple[str, bytes]:
    text = dice.choice(["1e400", "-1e999", "1." + "0" * 200, "1e308888"])
    return "number", f'{{"username": {text}}}'.encode()


def _constant(dice: random.Random, valid: str) -> tuple[str, bytes]:
    return "constant", f'{{"username": {dice.choice(["NaN", "Infinity", "-Infinity"])}}}'.encode()


def _nul(dice: random.Random, valid: str) -> tuple[str, bytes]:
    return "nul", valid.replace("Ada", dice.choice(["\\u0000", "a\\u0000b", "a\\u0000"])).encode()


def _surrogate(dice: random.Random, valid: str) -> tuple[str, bytes]:
    return "surrogate", valid.replace("Ada", dice.choice(["\\ud800", "\\uDFFF", "\\ud83dx"])).encode()


def _not_utf8(dice: random.Random, valid: str) -> tuple[str, bytes]:
    return "encoding", valid.encode().replace(b"Ada", dice.choice([b"\xff", b"\xc3(", b"\xed\xa0\x80"]))


def _mutated(dice: random.Random, valid: str) -> tuple[str, bytes]:
    raw = bytearray(valid.encode())
    for _ in range(dice.randrange(3, 9)):
        raw[dice.randrange(len(raw))] = dice.randrange(256)
    return "any", bytes(raw)


MAKERS = (
    _truncated,
    _doubled,
    _deep,
    _huge,
    _number,
    _constant,
    _nul,
    _surrogate,
    _not_utf8,
    _mutated,
)
FIXED = [
    ("empty", b""),
    ("empty", b"   \n"),
    ("syntax", b"{"),
    ("syntax", b"{'a': 1}"),
    ("syntax", b'{"a": 1,}'),
    ("syntax", b'{"a": 01}'),
    ("syntax", b"\xef\xbb\xbf{}"),
    ("syntax", b'{"a": "\x00"}'),
    ("syntax", b'{"a": "line\nbreak"}'),
    ("syntax", b"{} {}"),
    ("encoding", '{"username": "ada"}'.encode("utf-16")),
    ("any", b"null"),
    ("any", b"[]"),
    ("any", b"true"),
    ("any", b'"text"'),
    ("any", b"5"),
    ("any", b'{"__proto__": {"role": "admin"}}'),
    ("any", b'{"username": {"$ne": null}}'),
    ("any", b'{"username": ["ada"]}'),
    ("any", b'{"' + b"k" * 10_000 + b'": 1}'),
    ("any", b"{" + b",".join(b'"k%d": %d' % (n, n) for n in range(5000)) + b"}"),
]
