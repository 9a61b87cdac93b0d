"""Write the reference pages of the engine from its own modules: ``python -m optimizer.reference [DIR]``."""

import json
import sys
from dataclasses import MISSING
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from optimizer import explain, wire
from optimizer.constraints import CONSTRAINTS, PAIRWISE, Constraint, precedence, same_technician, team
from optimizer.described import described_fields
from optimizer.objectives import OBJECTIVES
from optimizer.plan import BreakTaken, Fetch, Plan, Route, Stop, Unserved
from optimizer.policy import meanings, policies
from optimizer.problem import (
    After,
    Break,
    Certificate,
    Depot,
    Lateness,
    Lock,
    Matrix,
    Policy,
    Problem,
    Technician,
    Traffic,
    Visit,
    Window,
)
from optimizer.roads import StraightLine
from optimizer.schema import ROOTS, schema

PAGES = Path("docs/reference")
PROBLEM_TYPES = (
    Problem,
    Technician,
    Visit,
    Window,
    After,
    Break,
    Certificate,
    Depot,
    Matrix,
    StraightLine,
    Traffic,
    Lock,
    Policy,
    Lateness,
)
PLAN_TYPES = (Plan, Route, Stop, Fetch, BreakTaken, Unserved)
NOTE = "<!-- Written by `python -m optimizer.reference` from the modules; change them, not this page. -->"
VERSIONS = """\
For programs there is a JSON Schema of each (draft 2020-12): [problem](problem.schema.json),
[plan](plan.schema.json); `truckroll schema problem` and `truckroll schema plan` print those of the release
you have. What a schema cannot say, such as that a lock names a visit of the problem, `truckroll check` and
`truckroll optimise` find before planning, each with a code. Two problems to begin with:
[a plain day](../examples/plain-day.json) and [one with everything](../examples/everything.json).

## Versions

`format` is the version of both files. Within a version fields may be added, always with a default that means
what leaving them out meant before; so a file that one release reads means the same to every later release of
that version. A field that goes or changes its meaning makes a new version. The release that brings a new
version still reads the one before; any other version is refused (`WRONG_FORMAT`). The numbers of the
[policies](constraints.md#policies) may change with any release: who compares prices over time writes out the
policy.
""".splitlines()
"""What the page says about schemas and versions."""
OTHER_REASONS = (
    (explain.CAPACITY, "Everybody who could come has a full day.", explain.MORE_ROOM),
    (explain.NOT_WORTH, "Serving it costs more than its priority is worth.", explain.MORE_WORTH),
    (explain.NO_TECHNICIAN, "Nobody works on this day.", explain.MORE_PEOPLE),
    (
        explain.NOT_EXPLAINED,
        "Planning was called off before the reason was looked for.",
        explain.ASK_AGAIN,
    ),
)


def constraints_page() -> str:
    """The page of hard rules, cost terms and reasons."""
    lines = ["# Hard rules and prices of a plan", "", NOTE, ""]
    lines += ["A plan that breaks a hard rule is never stored or published. Every rule is one file in"]
    lines += ["`optimizer/constraints/`, judged by `truckroll check` without any solver. By which data a"]
    lines += ["dispatcher reaches each: [what a dispatcher reaches](planning-reach.md).", ""]
    lines += ["| Code | Rule | Meaning | File |", "|---|---|---|---|"]
    for rule in CONSTRAINTS:
        name = _module_name(rule)
        lines.append(f"| `{rule.CODE}` | {rule.TITLE} | {_meaning(rule)} | `constraints/{name}.py` |")
    lines += ["", "## What a plan costs", ""]
    lines += ["All terms are integer cents; their sum is what the engine makes small. Prices: `policy` in"]
    lines += ["[the problem format](problem-format.md#policy)."]
    lines += ["", "| Term | Meaning | File |", "|---|---|---|"]
    for term in OBJECTIVES:
        lines.append(f"| `{term.NAME}` | {_meaning(term)} | `objectives/{_module_name(term)}.py` |")
    lines += ["", *_policies(), "", "## Why a visit is unserved", ""]
    lines += [
        "The rules are asked in this order, each only about the technicians who passed the ones before."
    ]
    lines += ["The first after which nobody is left is the reason.", ""]
    lines += ["| Reason | Meaning | What can be done |", "|---|---|---|"]
    reasons: tuple[Constraint, ...] = (*PAIRWISE, team, precedence, same_technician)
    for rule in reasons:
        lines.append(f"| `{rule.CODE}` | {_meaning(rule)} | {rule.ACTION} |")
    lines += [f"| `{code}` | {meaning} | {action} |" for code, meaning, action in OTHER_REASONS]
    return "\n".join(lines) + "\n"


def _policies() -> list[str]:
    """The policies that come with the product, side by side."""
    found = policies()
    lines = ["## Policies", "", "A policy is a set of prices. Three come with the product, in"]
    lines += ["`optimizer/policies.toml`; `truckroll optimise --policy NAME` plans by one of them, a problem"]
    lines += ["file may write out its own. In all of them what matters is in this order: hard rules; visits"]
    lines += ["served, by priority and service limits; promises kept; people's hours; stability; travel;"]
    lines += ["comfort.", ""]
    lines += [f"- `{name}`: {meaning}" for name, meaning in meanings().items()]
    lines += ["", f"| Setting | {' | '.join(f'`{name}`' for name in found)} | Meaning |"]
    lines += [f"|---|{'---|' * len(found)}---|"]
    described = described_fields(Policy)[1]
    for spec in wire.public_fields(Policy):
        values = (_default(getattr(policy, spec.name)) for policy in found.values())
        lines.append(f"| `{spec.name}` | {' | '.join(values)} | {described[spec.name]} |")
    return lines


def format_page() -> str:
    """The page of the JSON form."""
    lines = ["# Problem and plan files", "", NOTE, ""]
    lines += ["`truckroll optimise PROBLEM.json --seconds S --seed N --out PLAN.json` plans a day;"]
    lines += ["`truckroll check PROBLEM.json PLAN.json` judges any plan (exit 0 valid, 1 a rule is broken,"]
    lines += ["2 the input cannot be used).", ""]
    lines += [
        f'Both files are JSON objects with `"format": {wire.FORMAT}` and the fields below. Unknown, doubled'
    ]
    lines += ["and mistyped fields are refused with their path. A field at its default may be left out."]
    lines += ["All times are whole seconds since local midnight of the plan day and may exceed 86,400;"]
    lines += ["lengths are whole metres, prices whole cents.", "", *VERSIONS]
    for title, types in (("Problem", PROBLEM_TYPES), ("Plan", PLAN_TYPES)):
        lines += [f"## {title}", ""]
        for kind in types:
            lines += _type_section(kind)
    return "\n".join(lines).rstrip() + "\n"


def _module_name(part: Any) -> str:
    """File name of a constraint or objective."""
    return str(part.__name__).rsplit(".", 1)[-1]


def _meaning(part: Any) -> str:
    """First sentence of a module's docstring without its title."""
    text = (part.__doc__ or "").strip().splitlines()[0]
    meaning = text.split(": ", 1)[1]
    return meaning[0].upper() + meaning[1:]


def _type_section(kind: type) -> list[str]:
    """One data type as a table."""
    intro, described = described_fields(kind)
    lines = [
        f"### {kind.__name__}",
        "",
        intro,
        "",
        "| Field | Type | Default | Meaning |",
        "|---|---|---|---|",
    ]
    hints = get_type_hints(kind)
    for spec in wire.public_fields(kind):
        default = wire.default_of(spec)
        shown = "required" if default is MISSING else f"`{_default(default)}`"
        lines.append(f"| `{spec.name}` | {_type(hints[spec.name])} | {shown} | {described[spec.name]} |")
    return [*lines, ""]


def _default(default: Any) -> str:
    """A default as JSON shows it."""
    if isinstance(default, Policy):
        return "{}"
    if isinstance(default, frozenset):
        return "[]"
    if isinstance(default, tuple):
        return json.dumps(wire.encode(default))
    return json.dumps(default)


def _type(hint: Any) -> str:
    """A type in the words of JSON."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return f"{_type(next(i for i in inner if i is not NoneType))} or null"
    if origin in {tuple, frozenset}:
        return f"list of {_type(inner[0])}"
    if origin is not None:
        return "object of name to whole number"
    words: dict[Any, str] = {int: "whole number", str: "text", bool: "true or false", date: "day"}
    return words.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def pages() -> dict[str, str]:
    """File name and content of every page."""
    schemas = {f"{name}.schema.json": json.dumps(schema(name), indent=1) + "\n" for name in ROOTS}
    return {"constraints.md": constraints_page(), "problem-format.md": format_page(), **schemas}


def main() -> None:
    """Write all pages."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGES
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
