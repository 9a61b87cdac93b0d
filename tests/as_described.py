"""What phones are told is what the API's description says, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx

from api.phone_shapes import (
    CatalogueShape,
    Changes,
    ChangeShape,
    NoticeShape,
    Receipts,
    ToldReceipt,
    VanShape,
)
from dispatch.sync.queries import Pulled

ANSWERS = {"/v1/sync/pull": Changes(), "/v1/sync/push": Receipts()}
CHANGES, NOTICES, RECEIPTS = ChangeShape(many=True), NoticeShape(many=True), ToldReceipt(many=True)
VAN, CATALOGUE = VanShape(), CatalogueShape()


def plain(told: Any) -> Any:
    """As it goes over the wire."""
    return json.loads(json.dumps(told))


def pulled_as_described(pulled: Pulled) -> Pulled:
    """Raise where a pull has a field that is not described, lacks one that is, or has it otherwise."""
    CHANGES.load(plain(list(pulled.changes)))
    NOTICES.load(plain(list(pulled.notices)))
    for shape, told in ((VAN, pulled.van), (CATALOGUE, pulled.catalogue)):
        if told is not None:
            shape.load(plain(told))
    return pulled


def receipts_as_described(receipts: Iterable[str]) -> None:
    """Raise where a receipt is not as it is described."""
    RECEIPTS.load([json.loads(one) for one in receipts])


def answer_as_described(answer: httpx.Response) -> None:
    """Look at an answer to a phone, as a hook of its client."""
    shape = ANSWERS.get(answer.request.url.path)
    if shape is not None and answer.status_code == 200:
        answer.read()
        shape.load(answer.json())
