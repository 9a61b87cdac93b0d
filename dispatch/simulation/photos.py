"""Photographs that simulated technicians take: noise with a frame, a real JPEG, small."""

from __future__ import annotations

import io
import random

SIDE = 96


def a_photo(dice: random.Random, *, side: int = SIDE) -> bytes:
    """Return a JPEG that no other photograph equals."""
    from PIL import Image

    written = io.BytesIO()
    coarse = Image.frombytes("RGB", (side // 4, side // 4), dice.randbytes(3 * (side // 4) ** 2))
    coarse.resize((side, side)).save(written, "JPEG", quality=80)
    return written.getvalue()
