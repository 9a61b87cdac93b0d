"""
Folders of instances not seen before: what is a VRPTW file or a problem is read, the rest is named.

Solomon's and Homberger's texts are taken in any spelling of names and spacing, our JSON and VROOM's as well.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.days import technician_day
from optimizer import OptimizerError, Problem
from optimizer.readers import problem_from, solomon
from optimizer.validate import errors_in
from optimizer.wire import MalformedInput

NEVER_INSTANCES = frozenset((".md", ".py", ".pdf", ".html", ".png", ".svg", ".zip", ".gz", ".tgz", ".npz"))
BEST_NAMES = ("best_known.json", "best_known.csv", "best_known.txt", "best.json", "best.csv", "bks.csv")
END_OF_FILE = "\x1a"
"""Old files of DOS close with it."""


class NoInstance(ValueError):
    """A file that cannot be measured; the message says why."""


def text_of(path: Path) -> str:
    """The text of a file, marks of other systems taken off."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    return text.replace(END_OF_FILE, "").replace("\x00", "").lstrip("\n\r")


def problem_in(path: Path) -> Problem:
    """The problem of a file, whatever its ending."""
    try:
        problem = problem_from(text_of(path), name=path.name)
    except MalformedInput as error:
        raise NoInstance(_why(path, error.cause)) from error
    except OptimizerError as error:
        raise NoInstance(error.cause) from error
    if findings := errors_in(problem):
        raise NoInstance(f"it cannot be planned: {findings[0].code} {findings[0].cause}")
    return problem


def technician_problem_in(path: Path, seed: int) -> Problem:
    """A day of technicians on the geometry of a VRPTW file."""
    return technician_day(_instance_in(path), seed)


def customers_in(path: Path) -> int:
    """Customers of a VRPTW file."""
    return len(_instance_in(path).customers) - 1


def _instance_in(path: Path) -> solomon.Instance:
    try:
        return solomon.instance_from_text(text_of(path), path.name)
    except MalformedInput as error:
        raise NoInstance(_why(path, error.cause)) from error


def _why(path: Path, cause: str) -> str:
    """Why a file is not read, in a word that helps."""
    head = text_of(path)[:4_000].upper()
    if "NODE_COORD_SECTION" in head or "EDGE_WEIGHT" in head:
        return "it is of the VRPLIB format without time windows, not a VRPTW of Solomon's layout"
    if "VEHICLE" not in head and not head.lstrip().startswith("{"):
        return "it is neither a VRPTW of Solomon's layout nor JSON"
    return cause


def files_in(folder: Path, *, best: Path | None = None) -> Iterator[Path]:
    """Files of a folder and its folders that may be instances, in order of their names."""
    for path in sorted(folder.rglob("*"), key=lambda found: (_key(found), str(found))):
        parts = path.relative_to(folder).parts
        if not path.is_file() or any(part.startswith(".") for part in parts):
            continue
        is_best = (best is not None and path.resolve() == best.resolve()) or path.name.lower() in BEST_NAMES
        is_word = path.stem.upper() in {"README", "LICENSE", "NOTICE", "CHANGELOG"}
        if path.suffix.lower() not in NEVER_INSTANCES and not is_best and not is_word:
            yield path


def _key(path: Path) -> tuple[int, str]:
    return len(path.parts), path.name.lower()


def names_of(folder: Path, paths: list[Path]) -> dict[Path, str]:
    """A name for each file: its own without ending, with its folder's where two are alike."""
    stems = [path.stem.lower() for path in paths]
    named = {}
    for path, stem in zip(paths, stems, strict=True):
        is_alone = stems.count(stem) == 1
        named[path] = path.stem if is_alone else path.relative_to(folder).as_posix().replace("/", "-")
    return named
