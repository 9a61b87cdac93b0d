"""
Which sources a measurement rests on, by their imports: ``python -m benchmarks.sources [FILE]``.

A digest over them names the state that was measured. What is never loaded on the way is not in it, so that a
change of quotes or readers leaves the days of the engines' campaign as judged as they were.
"""

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("optimizer", "tests/optimizer")
"""Imports from elsewhere, such as the machinery of measuring, are not followed."""
CAMPAIGN = ROOT / "benchmarks" / "fuzzed_days.py"


class Sources:
    """Modules below some folders of a checkout, and what each of them imports."""

    def __init__(self, root: Path = ROOT, folders: Sequence[str] = FOLDERS) -> None:
        self.root, self.folders = root, folders

    @cached_property
    def modules(self) -> Mapping[str, Path]:
        """File of each module, by its full name."""
        found = {}
        for folder in self.folders:
            for path in sorted((self.root / folder).rglob("*.py")):
                name = ".".join(path.relative_to(self.root).with_suffix("").parts)
                found[name.removesuffix(".__init__")] = path
        return found

    def needed_by(self, file: Path) -> list[Path]:
        """A file and every module that it imports, directly or by others, late imports included."""
        names, left = set[str](), list(self._imports(file))
        while left:
            name = left.pop()
            if name not in names:
                names.add(name)
                left.extend(self._imports(self.modules[name]))
        return [file, *(self.modules[name] for name in sorted(names))]

    def digest_for(self, *files: Path) -> str:
        """Names the state of some files, and of all that they need, by eight characters."""
        content = sha256()
        for path in dict.fromkeys(path for file in files for path in self.needed_by(file)):
            content.update(path.relative_to(self.root).as_posix().encode() + b"\0" + path.read_bytes())
        return content.hexdigest()[:8]

    def _imports(self, file: Path) -> Iterator[str]:
        """Modules that one file names, those for type checking alone left out."""
        nodes = [ast.parse(file.read_bytes())]
        while nodes:
            node: ast.AST = nodes.pop()
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names if alias.name in self.modules)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield from self._where(node.module or "", alias.name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # loaded by its name, as engines are
                name = node.value.partition(":")[0]
                if "." in name and name in self.modules:
                    yield name
            nodes.extend(ast.iter_child_nodes(node))  # type: ignore[arg-type]

    def _where(self, module: str, name: str) -> Iterator[str]:
        """The module in which an imported name is defined: a package may only pass it on."""
        if f"{module}.{name}" in self.modules:
            yield f"{module}.{name}"
            return
        path = self.modules.get(module)
        if path is None:
            return
        if path.name == "__init__.py":
            for node in ast.parse(path.read_bytes()).body:
                if isinstance(node, ast.ImportFrom) and any(name in {a.name, a.asname} for a in node.names):
                    yield from self._where(node.module or "", name)
                    return
        yield module


@cache
def campaign_digest() -> str:
    """Names the state of all that the engines' campaign runs, as it is at the first question."""
    return Sources().digest_for(CAMPAIGN)


def main(arguments: list[str] | None = None) -> None:
    """Print the digest and the files of a measurement, by default the engines' campaign."""
    words = sys.argv[1:] if arguments is None else arguments
    file = Path(words[0]).resolve() if words else CAMPAIGN
    sources = Sources()
    print(sources.digest_for(file))
    for path in sources.needed_by(file):
        print(path.relative_to(ROOT).as_posix())


if __name__ == "__main__":
    main()
