"""
Writes the generated reference pages: errors, rules, settings and the API's OpenAPI document.

``python docs/generate.py`` writes them; ``--check`` writes nothing and exits 1 when one is out of date.
"""

from __future__ import annotations

import ast
import dataclasses
import http
import importlib
import inspect
import json
import pkgutil
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
RULE = re.compile(r"\bR-(\d{3})\b")
CODE_FOLDERS = ("dispatch", "optimizer", "api")
NOTICE = "<!-- Written by `make docs`. Change the source it names, not this page. -->\n"


# Rules ------------------------------------------------------------------------------------------


def python_files(*folders: str) -> Iterator[Path]:
    """Every Python file below these folders, in a stable order."""
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def documented(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each module, class and function with a docstring: its name (empty for the module) and the docstring."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (text := ast.get_docstring(node)):
            yield ("" if isinstance(node, ast.Module) else node.name), text


@cache
def citations(*folders: str) -> dict[str, list[str]]:
    """Rule number to the places citing it in a docstring, as ``path`` or ``path::name``."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in python_files(*folders):
        place = path.relative_to(ROOT).as_posix()
        if place.startswith("dispatch/simulation/"):
            continue  # it makes cases for rules and carries none
        for name, text in documented(ast.parse(path.read_text(encoding="utf-8"))):
            for number in RULE.findall(text):
                found[f"R-{number}"].add(f"{place}::{name}" if name else place)
    return {rule: sorted(places) for rule, places in found.items()}


def rule_status() -> dict[str, dict[str, str]]:
    """The hand-written list: every rule with its short text and how far it is built."""
    with (REFERENCE / "rules-status.toml").open("rb") as file:
        return tomllib.load(file)


def files_of(places: list[str]) -> list[str]:
    """The files of these places, each once: tests are too many to name one by one."""
    return sorted({place.partition("::")[0] for place in places})


def place_cell(places: list[str], most: int = 4) -> str:
    """Links to the citing places, one a line; files beyond the first few are counted."""
    cells = []
    for place in places[:most]:
        path, _, name = place.partition("::")
        cells.append(f"[{name or Path(path).name}](../../{path})")
    if len(places) > most:
        cells.append(f"and {len(places) - most} more")
    return "<br>".join(cells) or "–"


def rules_page() -> str:
    """The rule table: number, what it says, how far it is built, where in code, which tests."""
    in_code, in_tests = citations(*CODE_FOLDERS), citations("tests")
    lines = [
        "# Rules\n",
        NOTICE,
        "What the company promises and the software keeps. *built*: complete as the rule reads; *thin*: the",
        "joint is real, the rule is not complete; *later*: planned, nothing claims to do it. Source:",
        "[rules-status.toml](rules-status.toml) and the docstrings that cite a rule.\n",
        "| Rule | What it says | Status | Code | Tests |",
        "|---|---|---|---|---|",
    ]
    for rule, row in rule_status().items():
        status = row["status"] + (f": {row['note']}" if row.get("note") else "")
        code, tests = place_cell(in_code.get(rule, [])), place_cell(files_of(in_tests.get(rule, [])))
        lines.append(f"| {rule} | {row['says']} | {status} | {code} | {tests} |")
    return "\n".join(lines) + "\n"


# Errors -----------------------------------------------------------------------------------------


def imported_modules(package: ModuleType) -> None:
    """
    Import every module of a package, so that all its error classes exist.

    A script that needs a library of build time alone (the road network reader) is left out.
    """
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith("__main__"):
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as missing:
            if (missing.name or "").partition(".")[0] in CODE_FOLDERS:
                raise


def descendants(root: type[Exception]) -> list[type[Exception]]:
    """A class and all classes derived from it, each once, in the order of their codes."""
    found = {root}
    waiting = [root]
    while waiting:
        for child in waiting.pop().__subclasses__():
            if child not in found:
                found.add(child)
                waiting.append(child)
    return sorted(found, key=lambda cls: (cls.__dict__.get("code", ""), cls.__module__, cls.__qualname__))


def error_rows(root: type[Exception], package: str) -> Iterator[str]:
    """One table row per error class of a package that has a code of its own."""
    for cls in descendants(root):
        if "code" not in cls.__dict__ or not cls.__module__.startswith(package):
            continue
        facts: Mapping[str, Any] = {name: getattr(cls, name, "") for name in ("code", "kind", "remedy")}
        explanation = " ".join((inspect.getdoc(cls) or "").split())
        kind = facts["kind"] or "–"
        yield f"| `{facts['code']}` | {kind} | {explanation} | {facts['remedy'] or 'told with the error'} |"


def errors_page() -> str:
    """The error catalogue: code, kind, explanation and remedy of every refusal."""
    dispatch, optimizer = importlib.import_module("dispatch"), importlib.import_module("optimizer")
    imported_modules(dispatch)
    imported_modules(optimizer)
    domain: type[Exception] = importlib.import_module("dispatch.errors").DispatchError
    engine: type[Exception] = importlib.import_module("optimizer.errors").OptimizerError
    header = ["| Code | Kind | What happened | What to do |", "|---|---|---|---|"]
    lines = [
        "# Errors\n",
        NOTICE,
        "Every refusal carries a code that never changes, a cause and a remedy. Over HTTP it is a problem",
        "document (`application/problem+json`) with the same code; the kind decides the status. Nothing is",
        "half-written when an error is answered.\n",
        "## Refusals of the domain\n",
        *header,
        *error_rows(domain, "dispatch"),
        "\n## Errors of the planning engine\n",
        *header,
        *error_rows(engine, "optimizer"),
    ]
    return "\n".join(lines) + "\n"


# Settings ---------------------------------------------------------------------------------------


def shown_default(default: object, is_secret: bool) -> str:
    """A default as one would type it into the environment."""
    if default is None or default == () or is_secret:
        return "–"
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"`{default}`"


def settings_page() -> str:
    """Every environment variable that an installation reads, with its default and its meaning."""
    settings = importlib.import_module("dispatch.settings").Settings
    lines = [
        "# Settings\n",
        NOTICE,
        "Read once from the environment when a process starts. Without any of them Truckroll runs on its own",
        "embedded servers, on this machine alone.\n",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for field in dataclasses.fields(settings):
        facts = field.metadata
        default = shown_default(field.default, facts["secret"])
        lines.append(f"| `{facts['variable']}` | {default} | {facts['meaning']} |")
    return "\n".join(lines) + "\n"


# OpenAPI ----------------------------------------------------------------------------------------


def openapi_document() -> str:
    """The API's own description, as it serves it, with its keys in order."""
    api, settings = importlib.import_module("api"), importlib.import_module("dispatch.settings")
    app = api.create_app(settings.Settings.from_environment({"TRUCKROLL_ENV": "test"}))
    answer = app.test_client().get("/v1/openapi.json")
    if answer.status_code != http.HTTPStatus.OK:
        raise SystemExit(f"the API does not describe itself: {answer.status}")
    return json.dumps(answer.get_json(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "rules.md": rules_page,
    "settings.md": settings_page,
    "openapi.json": openapi_document,
}


def outdated() -> list[str]:
    """Names of the generated pages whose text is not what the code says now."""
    stale = []
    for name, write in PAGES.items():
        path, text = REFERENCE / name, write()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    return stale


def main() -> int:
    """Write the pages, or with --check only say which are out of date."""
    if "--check" in sys.argv[1:]:
        stale = outdated()
        print("\n".join(f"out of date: docs/reference/{name}" for name in stale) or "up to date")
        return 1 if stale else 0
    for name, write in PAGES.items():
        (REFERENCE / name).write_text(write(), encoding="utf-8")
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main())
