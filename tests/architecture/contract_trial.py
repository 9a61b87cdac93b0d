"""
Runs the import contracts over a copy of the tree, once per deliberate violation; its own process.

Started as ``python contract_trial.py COPY VIOLATIONS.json``: the copy stands first on the path, so that the
packages found are the copy's. Prints one JSON object: name of the violation to the broken contracts' ids.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from importlinter.api import read_configuration
from importlinter.application.use_cases import (  # what the lint-imports command itself calls
    _register_contract_types,
    create_report,
    read_user_options,
)


def broken_contracts(only: str | None) -> list[str]:
    """Ids of the contracts that the tree on the path breaks, or among one named contract."""
    options = read_user_options("pyproject.toml")
    _register_contract_types(options)
    limit = (only,) if only else ()
    report = create_report(options, limit_to_contracts=limit, cache_dir=None, verbose=False)
    listed = read_configuration("pyproject.toml")["contracts_options"]
    ids = {contract["name"]: contract["id"] for contract in listed}
    if report.could_not_run:
        raise SystemExit(f"contract options are wrong: {report.invalid_contract_options}")
    return sorted(
        ids[contract.name] for contract, check in report.get_contracts_and_checks() if not check.kept
    )


def tried(tree: Path, additions: dict[str, str], only: str | None) -> list[str]:
    """Write the additions, look which contracts break, and put the files back."""
    before: dict[Path, str | None] = {}
    for name, line in additions.items():
        path = tree / name
        before[path] = path.read_text(encoding="utf-8") if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        package = path.parent / "__init__.py"
        if not package.exists():
            before.setdefault(package, None)
            package.write_text("", encoding="utf-8")
        path.write_text(f"{before[path] or ''}\n{line}\n", encoding="utf-8")
    try:
        return broken_contracts(only)
    finally:
        for path, text in before.items():
            path.unlink() if text is None else path.write_text(text, encoding="utf-8")


def main() -> None:
    """Try every violation of the list in the copy."""
    tree, violations = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    sys.path.insert(0, str(tree))
    os.chdir(tree)
    answers = {
        violation["name"]: tried(tree, violation["additions"], violation["only"]) for violation in violations
    }
    sys.stdout.write("\n" + json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
