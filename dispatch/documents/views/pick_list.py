"""What a pick list [领料单] shows (R-511)."""

from __future__ import annotations

from typing import Any

from dispatch.documents.figures import Figures
from dispatch.documents.shapes import PickListSnapshot
from dispatch.documents.views import blocks


def view(snapshot: PickListSnapshot, figures: Figures) -> dict[str, Any]:
    """Return the words and figures of what a technician loads from the store for a day."""
    return {
        **blocks.frame("pick_list", snapshot, figures),
        "title": figures.word("pick_list"),
        "number": snapshot["number"],
        "facts": blocks.facts(
            figures,
            [
                ("date", figures.day(snapshot["date"])),
                ("technician", snapshot["technician"]["name"]),
                ("store", snapshot["store"]),
            ],
        ),
        "technician": snapshot["technician"]["name"],
        "parts": [
            {
                "code": row["code"],
                "name": row["name"],
                "quantity": figures.quantity(row["quantity"]),
                "sheets": ", ".join(row["sheet_numbers"]),
                "serials": int(row["quantity"]) if row.get("serialised") else 0,
            }
            for row in snapshot["parts"]
        ],
    }
