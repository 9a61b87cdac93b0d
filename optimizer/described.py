"""What a data type and its fields mean, out of its docstring."""

import inspect
import re


def described_fields(kind: type) -> tuple[str, dict[str, str]]:
    """Introduction of a data type and the description of each field, out of its docstring."""
    text = inspect.cleandoc(kind.__doc__ or "")
    found = dict(re.findall(r"^(\w+)\n((?:    .*\n?)+)", text, flags=re.MULTILINE))
    intro = re.split(r"^\w+\n    ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return " ".join(intro.split()), {name: " ".join(body.split()) for name, body in found.items()}
