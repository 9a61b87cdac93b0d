"""
The bytes of files that a phone announced, piece by piece and resumable (tus 1.0, reliability §2.6).

The answers are those of tus: headers, no body. HEAD asks how far an upload has come.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from email.utils import format_datetime
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Response, request
from werkzeug.exceptions import ClientDisconnected

from api import errors, revoked
from api.auth import current_principal, policy
from api.config import current_settings
from api.described import describe
from api.errors import MediaTypeUnsupported
from api.resource import Resource
from api.session import current_session, keep_changes
from dispatch.access.rules import Role
from dispatch.clock import aware
from dispatch.sync import commands
from dispatch.sync.upload_refusals import PieceTooLarge, TusVersionUnknown, UploadInvalid
from dispatch.sync.uploads import ALGORITHMS, EXTENSIONS, MOST_PIECE, VERSION, Wanted, find_upload
from dispatch.work_orders.attachments import MOST_BYTES

View = TypeVar("View", bound=Callable[..., Any])
PIECE = "application/offset+octet-stream"
READ_AT_ONCE = 65_536

resource = Resource("uploads", description="Bytes of announced files, resumable (tus 1.0).")


def _header(name: str, about: str, *, required: bool = True) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": required,
        "description": about,
        "schema": {"type": "string"},
    }


RESUMABLE = _header("Tus-Resumable", "Version of tus: 1.0.0.")


def speaks_tus(*parameters: dict[str, Any], responses: tuple[int, ...]) -> Callable[[View], View]:
    """Refuse another version of tus (412), and describe the headers that are read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if request.headers.get("Tus-Resumable") != VERSION:
                raise TusVersionUnknown(f"only tus {VERSION} is spoken here", version=VERSION)
            return view(*args, **kwargs)

        describe(checked, parameters=[RESUMABLE, *parameters], responses=[403, 412, *responses])
        return cast("View", checked)

    return decorate


def _answer(status: int, **headers: object) -> Response:
    answer = Response(status=status)
    answer.headers["Tus-Resumable"] = VERSION
    for name, value in headers.items():
        answer.headers[name.replace("_", "-")] = str(value)
    return answer


@resource.get("/sync/uploads")
@policy(Role.TECHNICIAN)
@resource.response(204)
def describe_uploads() -> Response:
    """What of tus is spoken here: version, extensions, largest file, kinds of checksum."""
    return _answer(
        204,
        Tus_Version=VERSION,
        Tus_Extension=",".join(EXTENSIONS),
        Tus_Max_Size=MOST_BYTES,
        Tus_Checksum_Algorithm=",".join(ALGORITHMS),
    )


@resource.post("/sync/uploads")
@policy(Role.TECHNICIAN)
@speaks_tus(
    _header("Upload-Length", "Bytes of the whole file, as announced."),
    _header(
        "Upload-Metadata",
        "`op_id` and the announcing operation's id in base64; or `visit_id` and `sha256` of a wanted file.",
    ),
    responses=(404, 422),
)
@resource.response(201)
def create_upload() -> Response:
    """Open the way for the bytes of an announced file; asked again, it is the same way."""
    upload = commands.create_upload(
        current_session(), by=current_principal(), file=_file(), length=_whole("Upload-Length")
    )
    return _answer(
        201,
        Location=f"/v1/sync/uploads/{upload.id}",
        Upload_Offset=upload.received,
        Upload_Expires=format_datetime(aware(upload.expires_at), usegmt=True),
    )


@resource.get("/sync/uploads/<uuid:upload_id>")
@policy(Role.TECHNICIAN)
@speaks_tus(responses=(404, 410))
@resource.response(204)
def read_upload(upload_id: uuid.UUID) -> Response:
    """How far an upload has come, in Upload-Offset; HEAD asks the same."""
    upload = find_upload(current_session(), current_principal(), upload_id)
    return _answer(
        204,
        Upload_Offset=upload.received,
        Upload_Length=upload.length,
        Upload_Expires=format_datetime(aware(upload.expires_at), usegmt=True),
    )


@resource.patch("/sync/uploads/<uuid:upload_id>")
@policy(Role.TECHNICIAN)
@speaks_tus(
    _header("Upload-Offset", "Number of the piece's first byte."),
    _header("Upload-Checksum", "`sha1` or `sha256` and the piece's checksum in base64.", required=False),
    responses=(404, 409, 410, 413, 415, 422),
)
@resource.response(204)
def append_piece(upload_id: uuid.UUID) -> Response:
    """
    Send the next piece, at most 4 MiB as `application/offset+octet-stream`.

    Without a checksum a piece that was cut off is kept as far as it came. 409 for a wrong offset, 460 for a
    wrong checksum; the last piece also answers for the whole file.
    """
    if request.mimetype != PIECE:
        raise MediaTypeUnsupported(f"a piece is {PIECE}")
    offset, checksum = _whole("Upload-Offset"), request.headers.get("Upload-Checksum")
    piece = _read_piece()
    upload, refused = commands.append(
        current_session(),
        by=current_principal(),
        upload_id=upload_id,
        offset=offset,
        piece=piece,
        checksum=checksum,
        directory=current_settings().attachments,
    )
    if refused is not None:
        keep_changes()
        answer = errors.answer(refused)
        answer.headers["Tus-Resumable"] = VERSION
        return answer
    return _answer(
        204,
        Upload_Offset=upload.received,
        Upload_Expires=format_datetime(aware(upload.expires_at), usegmt=True),
    )


def _read_piece() -> bytes:
    """Read the body before anything is locked; a connection that breaks leaves what came so far."""
    request.max_content_length = MOST_PIECE
    if (request.content_length or 0) > MOST_PIECE:
        raise PieceTooLarge(f"{request.content_length} bytes", most=MOST_PIECE)
    taken = bytearray()
    try:
        while part := request.stream.read(READ_AT_ONCE):
            taken += part
    except (ClientDisconnected, ConnectionError, TimeoutError):
        pass
    return bytes(taken)


def _whole(name: str) -> int:
    given = request.headers.get(name, "")
    if not given.isascii() or not given.isdigit() or len(given) > 12:
        raise UploadInvalid(f"{name} is not a number")
    return int(given)


def _file() -> uuid.UUID | Wanted:
    """Read which file it is from Upload-Metadata: pairs of a key and a value in base64."""
    pairs = dict(
        pair.strip().partition(" ")[::2] for pair in request.headers.get("Upload-Metadata", "").split(",")
    )
    try:
        told = {key: base64.b64decode(value, validate=True).decode("ascii") for key, value in pairs.items()}
        if "op_id" in told:
            return uuid.UUID(told["op_id"])
        return Wanted(uuid.UUID(told["visit_id"]), told["sha256"])
    except (KeyError, ValueError):
        raise UploadInvalid("Upload-Metadata names neither an announcement nor visit and hash") from None


revoked.register(resource)
