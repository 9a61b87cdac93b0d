"""Photographs of a phone: announced first, sent in pieces, whole or not at all (tus, reliability §2.6)."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from dispatch import clock, db
from dispatch.access.rules import Role
from dispatch.simulation import phone_files
from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from dispatch.sync.model import Upload
from dispatch.sync.uploads import FOLDER
from dispatch.work_orders.model import DeclaredFile
from tests.api.company import SOUTH, ClientFor, Company, key, settings_of_tests
from tests.api.in_the_field import a_part, a_visit, asked, signed_in, work

SEED = 20261129
TUS = phone_files.TUS
PIECE = phone_files.PIECE


def a_photo(seed: int = 1, *, size: int = 120) -> bytes:
    """A JPEG that compresses badly, some 20 KB."""
    noise = random.Random(seed).randbytes(size * size * 3)
    written = io.BytesIO()
    Image.frombytes("RGB", (size, size), noise).save(written, "JPEG", quality=90)
    return written.getvalue()


@pytest.fixture
def visit_id(company: Company, phone: PhoneClient) -> str:
    """A visit that the phone holds."""
    made = a_visit(company)
    phone.pull()
    return made


def announced(phone: PhoneClient, visit_id: str, content: bytes) -> str:
    """Announce a photograph and have it taken; return the announcement's op_id."""
    op_id = phone.attach(visit_id, content, "image/jpeg", purpose="photo")
    phone.push()
    return op_id


def created(phone: PhoneClient, op_id: str, length: int) -> httpx.Response:
    told = base64.b64encode(op_id.encode()).decode()
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": f"op_id {told}"}
    return phone.ask("POST", "/v1/sync/uploads", headers=headers)


def sent(phone: PhoneClient, address: str, offset: int, piece: bytes, **headers: str) -> httpx.Response:
    told = PIECE | {"Upload-Offset": str(offset)} | headers
    return phone.ask("PATCH", address, headers=told, content=piece)


def offset_of(phone: PhoneClient, address: str) -> int:
    answer = phone.ask("HEAD", address, headers=TUS)
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def kept() -> list[Path]:
    """Every photograph that lies on the disk."""
    return sorted(settings_of_tests().attachments.glob("*.jpg"))


def test_attachment_clause_1_a_visit_ends_before_its_bytes_but_is_not_verified(
    phone: PhoneClient, visit_id: str
) -> None:
    photo = a_photo()
    phone.attach(visit_id, photo, "image/jpeg", purpose="after", caption="new pump")
    work(phone, visit_id, a_part())
    phone.push()
    phone.pull()
    held = phone.store.visit(visit_id)
    assert held is not None
    assert held["state"] == "done"
    assert [(file["purpose"], file["is_here"]) for file in held["files"]] == [("after", False)]
    assert asked("select count(*) from job_run where kind = 'billing.settle'") == [(0,)]
    assert phone.send_files(piece_bytes=4_000) == 1
    phone.pull()
    held = phone.store.visit(visit_id)
    assert held is not None
    assert held["state"] == "verified"
    assert held["files"][0]["is_here"] is True
    assert asked("select count(*) from job_run where kind = 'billing.settle'") == [(1,)]
    assert phone.store.files_to_send() == []


def test_attachment_clause_2_a_file_that_is_cut_five_times_arrives_as_it_was(
    phone: PhoneClient, visit_id: str
) -> None:
    """Row 16: any cuts of generated uploads; the bytes are equal and at most 1.15 times are sent."""
    dice = random.Random(SEED)
    for number in range(12):
        photo = a_photo(number)
        address = created(phone, announced(phone, visit_id, photo), len(photo)).headers["Location"]
        cuts = sorted(dice.sample(range(1, len(photo)), 5))
        paid = 0
        for end in [*cuts, len(photo)]:
            begin = offset_of(phone, address)
            piece = photo[begin:end]
            paid += len(piece)
            assert sent(phone, address, begin, piece).status_code == 204
        assert paid <= 1.15 * len(photo)
        assert offset_of(phone, address) == len(photo)
        digest = hashlib.sha256(photo).hexdigest()
        question = "select size_bytes > 0 from attachment where sha256 = :digest"
        assert asked(question, digest=digest) == [(True,)]
    assert not list((settings_of_tests().attachments / FOLDER).iterdir())


def test_attachment_clause_3_wrong_offsets_and_checksums_take_nothing(
    phone: PhoneClient, visit_id: str
) -> None:
    """Row 16: wrong offsets and checksums."""
    photo = a_photo()
    address = created(phone, announced(phone, visit_id, photo), len(photo)).headers["Location"]
    assert sent(phone, address, 0, photo[:1000]).status_code == 204
    wrong = base64.b64encode(hashlib.sha1(b"other", usedforsecurity=False).digest()).decode()
    right = base64.b64encode(hashlib.sha1(photo[1000:2000], usedforsecurity=False).digest()).decode()
    for offset, checksum, status, code in [
        (0, "", 409, "UPLOAD_OFFSET_WRONG"),
        (999, "", 409, "UPLOAD_OFFSET_WRONG"),
        (1001, "", 409, "UPLOAD_OFFSET_WRONG"),
        (1000, f"sha1 {wrong}", 460, "UPLOAD_CHECKSUM_WRONG"),
        (1000, "crc32 AAAA", 400, "UPLOAD_CHECKSUM_UNKNOWN"),
        (1000, "sha1 %%%", 400, "UPLOAD_CHECKSUM_UNKNOWN"),
    ]:
        headers = {"Upload-Checksum": checksum} if checksum else {}
        answer = sent(phone, address, offset, photo[1000:2000], **headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert offset_of(phone, address) == 1000
    answer = sent(phone, address, 1000, photo[1000:2000], **{"Upload-Checksum": f"sha1 {right}"})
    assert answer.headers["Upload-Offset"] == "2000"
    too_long = sent(phone, address, 2000, photo)
    assert (too_long.status_code, too_long.json()["code"]) == (413, "UPLOAD_PIECE_TOO_LARGE")
    assert offset_of(phone, address) == 2000


def test_attachment_clause_4_another_file_than_announced_begins_again(
    phone: PhoneClient, visit_id: str
) -> None:
    """Row 16: what differs from the announcement."""
    photo = a_photo()
    address = created(phone, announced(phone, visit_id, photo), len(photo)).headers["Location"]
    damaged = photo[:-1] + bytes([photo[-1] ^ 1])
    answer = sent(phone, address, 0, damaged)
    assert (answer.status_code, answer.json()["code"]) == (422, "UPLOAD_DIFFERS")
    assert offset_of(phone, address) == 0
    assert kept() == []
    assert sent(phone, address, 0, photo).status_code == 204
    assert len(kept()) == 1


def test_attachment_clause_4_what_is_no_picture_is_refused_once_and_stays_on_the_phone(
    phone: PhoneClient, visit_id: str, client_for: ClientFor
) -> None:
    phone.attach(visit_id, b"\xff\xd8\xff no picture", "image/jpeg", purpose="photo")
    work(phone, visit_id, a_part())
    phone.push()
    assert phone.send_files() == 0
    assert phone.store.files_to_send() == []
    assert asked("select failure from sync_upload") == [("ATTACHMENT_REFUSED",)]
    desk = client_for(Role.DISPATCHER)
    file = desk.get(f"/v1/visits/{visit_id}/files").get_json()["items"][0]
    address = f"/v1/visits/{visit_id}/files/{file['id']}/give-up"
    given_up = desk.post(address, json={"reason": "damaged on the phone"}, headers=key())
    assert given_up.get_json()["given_up_reason"] == "damaged on the phone"
    assert desk.get(f"/v1/visits/{visit_id}").get_json()["state"] == "verified"
    again = desk.post(address, json={"reason": "twice"}, headers=key())
    assert again.get_json()["code"] == "FILE_SETTLED"


def test_attachment_clause_5_the_same_bytes_twice_are_one_file(phone: PhoneClient, visit_id: str) -> None:
    """Row 16: duplicates."""
    photo = a_photo()
    first = announced(phone, visit_id, photo)
    assert phone.send_files() == 1
    second = announced(phone, visit_id, photo)
    assert phone.send_files() == 1
    addresses = {created(phone, op_id, len(photo)).headers["Location"] for op_id in (first, second)}
    assert len(addresses) == 1
    assert asked("select count(*) from attachment") == [(1,)]
    phone.record(
        protocol.DECLARE,
        visit_id=visit_id,
        payload={"sha256": hashlib.sha256(photo).hexdigest(), "bytes": 5, "mime": "image/jpeg"},
    )
    assert [receipt["code"] for receipt in phone.push()] == ["DECLARATION_CONTRADICTED"]


def test_attachment_clause_6_an_upload_is_open_for_seven_days(phone: PhoneClient, visit_id: str) -> None:
    """Row 16: expired ones."""
    photo = a_photo()
    op_id = announced(phone, visit_id, photo)
    address = created(phone, op_id, len(photo)).headers["Location"]
    assert sent(phone, address, 0, photo[:500]).status_code == 204
    with db.transaction() as session:
        session.query(Upload).update({"expires_at": clock.now() - timedelta(seconds=1)})
    assert phone.ask("HEAD", address, headers=TUS).status_code == 410
    assert sent(phone, address, 500, photo[500:]).status_code == 410
    assert created(phone, op_id, len(photo)).headers["Upload-Offset"] == "0"
    assert phone.send_files() == 1


def test_attachment_clause_7_nobody_sends_to_or_asks_for_an_upload_of_another(
    company: Company, phone: PhoneClient, visit_id: str
) -> None:
    photo = a_photo()
    op_id = announced(phone, visit_id, photo)
    address = created(phone, op_id, len(photo)).headers["Location"]
    again = signed_in(company)
    assert offset_of(again, address) == 0
    again.close()
    other = signed_in(company, SOUTH)
    for answer in (
        created(other, op_id, len(photo)),
        other.ask("HEAD", address, headers=TUS),
        sent(other, address, 0, photo),
        created(phone, str(uuid.uuid4()), len(photo)),
    ):
        assert answer.status_code == 404
    other.close()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 412, "TUS_VERSION_UNKNOWN"),
        ({"Tus-Resumable": "0.2.2"}, 412, "TUS_VERSION_UNKNOWN"),
        (TUS, 422, "UPLOAD_INVALID"),
        (TUS | {"Upload-Length": "-1"}, 422, "UPLOAD_INVALID"),
        (TUS | {"Upload-Length": "9" * 13}, 422, "UPLOAD_INVALID"),
        (TUS | {"Upload-Length": "10", "Upload-Metadata": "op_id no+base64!"}, 422, "UPLOAD_INVALID"),
        (TUS | {"Upload-Length": "10", "Upload-Metadata": "filename AAAA"}, 422, "UPLOAD_INVALID"),
    ],
)
def test_broken_headers_are_named(
    phone: PhoneClient, headers: dict[str, Any], status: int, code: str
) -> None:
    answer = phone.ask("POST", "/v1/sync/uploads", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_what_is_spoken_here_is_told(phone: PhoneClient) -> None:
    told = phone.ask("GET", "/v1/sync/uploads", headers={}).headers
    assert (told["Tus-Version"], told["Tus-Extension"]) == ("1.0.0", "creation,checksum,expiration")
    assert int(told["Tus-Max-Size"]) == 25 * 1024 * 1024


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"sha256": "x", "bytes": 1, "mime": "image/jpeg"}, "DECLARATION_INVALID"),
        ({"sha256": "a" * 64, "bytes": 0, "mime": "image/jpeg"}, "DECLARATION_INVALID"),
        ({"sha256": "a" * 64, "bytes": 26_214_401, "mime": "image/jpeg"}, "DECLARATION_INVALID"),
        ({"sha256": "a" * 64, "bytes": 1, "mime": "image/svg+xml"}, "DECLARATION_INVALID"),
        ({"sha256": "a" * 64, "bytes": 1, "mime": "image/png", "purpose": "fun"}, "CHOICE_UNKNOWN"),
        ({"sha256": "a" * 64, "bytes": "1", "mime": "image/png"}, "OPERATION_INVALID"),
    ],
)
def test_a_broken_announcement_is_rejected_alone(
    phone: PhoneClient, visit_id: str, payload: dict[str, Any], code: str
) -> None:
    phone.record(protocol.DECLARE, visit_id=visit_id, payload=payload)
    phone.record(protocol.TRAVEL, visit_id=visit_id)
    assert [receipt.get("code", "applied") for receipt in phone.push()] == [code, "applied"]
    with db.transaction() as session:
        assert session.query(DeclaredFile).count() == 0


def test_attachment_clause_8_a_file_whose_announcement_the_desk_applied_is_asked_for(
    company: Company, phone: PhoneClient, client_for: ClientFor
) -> None:
    """The phone announced it for a visit that was never its technician's; the desk says which it was."""
    wrong, visit_id, photo = str(uuid.uuid4()), a_visit(company), a_photo()
    announced(phone, wrong, photo)
    phone.pull()
    assert phone.send_files() == 0
    assert phone.store.files_to_send() == []
    desk = client_for(Role.DISPATCHER)
    (item,) = desk.get("/v1/sync/rejections").json["items"]
    applied = desk.post(f"/v1/sync/rejections/{item['id']}/apply", json={"visit_id": visit_id})
    assert applied.status_code == 200
    stranger = signed_in(company, SOUTH)
    stranger.pull()
    assert stranger.store.setting("files_wanted") == "[]"
    phone.pull()
    assert phone.send_files() == 1
    assert asked("select visit_id::text from declared_file where attachment_id is not null") == [(visit_id,)]
    phone.pull()
    assert phone.store.setting("files_wanted") == "[]"
    assert phone.store.files_to_send() == []
    stranger.close()


def test_attachment_clause_8_nobody_sends_what_somebody_else_announced(
    company: Company, phone: PhoneClient, visit_id: str
) -> None:
    photo = a_photo()
    announced(phone, visit_id, photo)
    other = signed_in(company, SOUTH)
    told = {"visit_id": visit_id, "sha256": hashlib.sha256(photo).hexdigest()}
    pairs = [f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items()]
    headers = TUS | {"Upload-Length": str(len(photo)), "Upload-Metadata": ",".join(pairs)}
    assert other.ask("POST", "/v1/sync/uploads", headers=headers).status_code == 404
    assert phone.ask("POST", "/v1/sync/uploads", headers=headers).status_code == 201
    half = headers | {"Upload-Metadata": pairs[0]}
    assert phone.ask("POST", "/v1/sync/uploads", headers=half).status_code == 422
    other.close()
