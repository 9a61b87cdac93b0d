"""How the reference phone sends bytes of files: in pieces, going on where the last one arrived (tus 1.0)."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.phone_store import KeptFile, PhoneStore

if TYPE_CHECKING:
    import httpx


class Sender(Protocol):
    """What sends requests: the phone."""

    @property
    def store(self) -> PhoneStore:
        """What the phone keeps."""

    def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request."""

    def expect(self, status: int, method: str, address: str, **options: Any) -> httpx.Response:
        """Send a request; any other status decides nothing."""


PIECE_BYTES = 256 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": "application/offset+octet-stream"}
BEGINS_AGAIN = frozenset({404, 410})
ASK_AGAIN = frozenset({409, 460})
PIECE_REFUSED = frozenset({"UPLOAD_OFFSET_WRONG", "UPLOAD_CHECKSUM_WRONG"})
"""The piece alone is at fault; any other conflict is about the whole file."""
REFUSED = frozenset({400, 413, 422})


def send_file(phone: Sender, kept: KeptFile, piece_bytes: int) -> bool:
    """Send a file's bytes from where they came to; tell whether all of them arrived."""
    address = kept.address or _create(phone, kept)
    offset = _offset(phone, address)
    while offset is not None and offset < len(kept.content):
        piece = kept.content[offset : offset + piece_bytes]
        digest = base64.b64encode(hashlib.sha256(piece).digest()).decode()
        headers = PIECE | {"Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {digest}"}
        answer = phone.ask("PATCH", address, headers=headers, content=piece)
        if answer.status_code == 204:
            offset = int(answer.headers["Upload-Offset"])
        elif answer.status_code in ASK_AGAIN and _code_of(answer) in PIECE_REFUSED:
            offset = _offset(phone, address)
        elif answer.status_code in {*REFUSED, *ASK_AGAIN}:
            return _refused(phone, kept, answer)
        else:
            offset = None
    if offset is None:
        phone.store.note_address(kept.op_id, None)
        return False
    phone.store.forget_file(kept.op_id)
    return True


def _refused(phone: Sender, kept: KeptFile, answer: httpx.Response) -> bool:
    """A file that differs on the way begins again; one that is refused for what it is waits for somebody."""
    code = _code_of(answer)
    if code != "UPLOAD_DIFFERS":
        phone.store.forget_file(kept.op_id, failure=code)
    return False


def _code_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", answer.status_code))
    except ValueError:
        return str(answer.status_code)


def _create(phone: Sender, kept: KeptFile) -> str:
    names = (
        dict(zip(("visit_id", "sha256"), kept.wanted, strict=True)) if kept.wanted else {"op_id": kept.op_id}
    )
    told = [f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in names.items()]
    headers: dict[str, Any] = TUS | {
        "Upload-Length": str(len(kept.content)),
        "Upload-Metadata": ",".join(told),
    }
    address = str(phone.expect(201, "POST", "/v1/sync/uploads", headers=headers).headers["Location"])
    phone.store.note_address(kept.op_id, address)
    return address


def _offset(phone: Sender, address: str) -> int | None:
    """Ask how far the bytes came; None when the way must be opened again."""
    answer = phone.ask("HEAD", address, headers=TUS)
    if answer.status_code in BEGINS_AGAIN:
        return None
    told = answer.headers.get("Upload-Offset")
    if told is None:
        raise NothingDecided("somebody else answered")
    return int(told)
