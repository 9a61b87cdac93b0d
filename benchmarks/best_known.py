"""
Best-known costs out of a file: a JSON object, or a list with one instance to a line.

Our unit is the DIMACS challenge's: distances cut off at one digit behind the point and counted in tenths, so
R101 is 16377. A list whose costs have a point (1637.7) is in the units of the instance files and is counted
times ten. Names are compared without ending, case and leading folders.
"""

import csv
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COST_WORDS = ("cost", "distance", "best", "bks", "value", "objective", "length", "dist")
NAME_WORDS = ("name", "instance", "problem", "file")
ENDING = re.compile(r"\.(txt|vrp|json|sol)$", flags=re.IGNORECASE)
NUMBER = re.compile(r"[+-]?\d+([.]\d*)?")


class NoList(ValueError):
    """A file that holds no list of costs."""


class BestKnown:
    """Costs by instance, in our unit."""

    def __init__(self, told: Mapping[str, str]) -> None:
        ten = 10 if any("." in number for number in told.values()) else 1
        self.costs = {key_of(name): round(ten * float(number)) for name, number in told.items()}
        self.has_fine_digits = any(len(n.partition(".")[2].rstrip("0")) > 1 for n in told.values())

    def cost(self, name: str) -> int | None:
        """The cost of an instance, if it is known."""
        found = self.costs.get(key_of(name))
        return found if found and found > 0 else None


def key_of(name: str) -> str:
    """A name as it is compared."""
    return ENDING.sub("", Path(name.strip().strip('"')).name).lower()


def read(path: Path | None) -> BestKnown:
    """The list in a file; without one nothing is known."""
    if path is None:
        return BestKnown({})
    text = path.read_text(encoding="utf-8-sig", errors="replace").strip()
    told = _of_json(path.name, text) if text.startswith(("{", "[")) else _of_lines(text)
    if text and not told:
        raise NoList(f"{path.name} holds no instance with a cost")
    return BestKnown(told)


def _of_json(name: str, text: str) -> dict[str, str]:
    """An object of name to cost, or to an object with a cost; or a list of objects with name and cost."""
    try:
        found = json.loads(text, parse_float=str)
    except ValueError as error:
        raise NoList(f"{name} is not JSON: {error}") from error
    if isinstance(found, list):
        rows = [row for row in found if isinstance(row, dict)]
        pairs = [(str(_by_word(row, NAME_WORDS)), _by_word(row, COST_WORDS)) for row in rows]
    else:
        pairs = [(k, _by_word(v, COST_WORDS) if isinstance(v, dict) else v) for k, v in found.items()]
    return {key: str(cost) for key, cost in pairs if NUMBER.fullmatch(str(cost))}


def _by_word(row: Mapping[str, Any], words: tuple[str, ...]) -> Any:
    """The field whose name holds one of the words, the first word first."""
    return next((row[key] for word in words for key in row if word in key.lower()), None)


def _of_lines(text: str) -> dict[str, str]:
    """
    A table: the first word of a line is the instance, the cost is in the column whose heading says so.

    Without a heading the cost is the last number of the line with a point, or the last number.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    rows = [_cells(line) for line in lines]
    column = None
    if rows and not any(NUMBER.fullmatch(cell) for cell in rows[0][1:]):
        heads = {cell.lower(): at for at, cell in enumerate(rows[0])}
        column = _by_word(heads, COST_WORDS)
        rows = rows[1:]
    told = {}
    for cells in filter(None, rows):
        numbers = [cell for cell in cells[1:] if NUMBER.fullmatch(cell)]
        pointed = [cell for cell in numbers if "." in cell]
        cost = cells[column] if column is not None and column < len(cells) else None
        if cost is None or not NUMBER.fullmatch(cost):
            cost = (pointed or numbers or [None])[-1]
        if cost is not None and cells[0]:
            told[cells[0]] = cost
    return told


def _cells(line: str) -> list[str]:
    """The cells of a line, whatever parts them."""
    for mark in ("\t", ";", ","):
        if mark in line:
            cells = next(csv.reader([line], delimiter=mark))
            return [cell.strip() for cell in cells]
    return line.split()
