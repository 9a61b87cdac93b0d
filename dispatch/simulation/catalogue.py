"""Skills, parts, products and problem templates of the demo company, read from the shipped catalogue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dispatch.simulation.day_types import Part, ProblemTemplate, Product, Skill


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the demo company repairs and with what."""

    skills: tuple[Skill, ...]
    parts: tuple[Part, ...]
    products: tuple[Product, ...]
    templates: tuple[ProblemTemplate, ...]

    def product(self, kind: str) -> Product:
        """The product of a kind."""
        return next(product for product in self.products if product.kind == kind)


def _template(row: dict[str, Any]) -> ProblemTemplate:
    return ProblemTemplate(**{**row, "certificates": tuple(row["certificates"])})


@cache
def load_catalogue() -> Catalogue:
    """Read ``catalogue.json``; once per process."""
    shipped = json.loads((Path(__file__).parent / "catalogue.json").read_text("utf-8"))
    return Catalogue(
        skills=tuple(Skill(**row) for row in shipped["skills"]),
        parts=tuple(Part(**row) for row in shipped["parts"]),
        products=tuple(Product(**{**row, "models": tuple(row["models"])}) for row in shipped["products"]),
        templates=tuple(_template(row) for row in shipped["templates"]),
    )
