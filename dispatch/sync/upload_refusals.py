"""Why bytes of a file are refused (tus 1.0, reliability §2.6)."""

from __future__ import annotations

from dispatch.errors import Conflict, DispatchError, Invalid, Stale


class TusVersionUnknown(Stale):
    """The request does not name the version of the upload protocol that is spoken here."""

    code = "TUS_VERSION_UNKNOWN"
    remedy = "Send the header Tus-Resumable: 1.0.0."


class UploadInvalid(Invalid):
    """The headers that create an upload do not belong to an announced file."""

    code = "UPLOAD_INVALID"
    remedy = "Announce the file first, then send Upload-Length and Upload-Metadata with its op_id."


class OffsetWrong(Conflict):
    """The piece does not begin where the last one ended; nothing of it was taken."""

    code = "UPLOAD_OFFSET_WRONG"
    remedy = "Ask for Upload-Offset and go on from there."


class ChecksumWrong(DispatchError):
    """The piece is not what its checksum says; nothing of it was taken."""

    code = "UPLOAD_CHECKSUM_WRONG"
    kind = "checksum"
    remedy = "Send the piece again."


class ChecksumUnknown(DispatchError):
    """The checksum cannot be read, or its kind is not computed here."""

    code = "UPLOAD_CHECKSUM_UNKNOWN"
    kind = "malformed"
    remedy = "Send sha1 or sha256 and the checksum in base64."


class UploadExpired(DispatchError):
    """The upload was not finished in time; what arrived is gone."""

    code = "UPLOAD_EXPIRED"
    kind = "gone"
    remedy = "Create the upload again; the announcement stands."


class UploadDiffers(Invalid):
    """All bytes are here and are not the file that was announced; the upload begins again."""

    code = "UPLOAD_DIFFERS"
    remedy = "Send the file from the beginning, as it was when it was announced."


class PieceTooLarge(DispatchError):
    """One piece holds more bytes than are taken at once, or more than the file has left."""

    code = "UPLOAD_PIECE_TOO_LARGE"
    kind = "too_large"
    remedy = "Send pieces of at most 4 MiB, and no more than the file's length."
