"""Programs that are not ours read the printed documents: poppler finds the words, qpdf finds no fault."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dispatch.documents import KINDS, Kind, render
from tests.debian import debian_program
from tests.dispatch.documents.samples import SAMPLES

pytestmark = pytest.mark.debian


@pytest.fixture(params=KINDS)
def printed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A document of each kind in Chinese, as a file."""
    kind: Kind = request.param
    path = tmp_path / f"{kind}.pdf"
    path.write_bytes(render(kind, SAMPLES[kind](), "zh"))
    return path


def test_qpdf_finds_no_fault_in_the_file(printed: Path) -> None:
    command = [debian_program("qpdf", "qpdf"), "--check", str(printed)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_poppler_reads_the_chinese_company_name(printed: Path) -> None:
    command = [debian_program("pdftotext", "poppler-utils"), "-layout", str(printed), "-"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "海湾电器维修有限公司" in answer.stdout
