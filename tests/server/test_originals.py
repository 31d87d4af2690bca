"""Original bytes: kept once, found again, never silently wrong."""

from pathlib import Path

import pytest

from server.records.originals import OriginalDamaged, Originals


def test_same_bytes_are_kept_once(tmp_path: Path):
    """The name is the content, so a second sending costs no space."""
    originals = Originals(tmp_path)
    first, second, other = originals.keep_many([b"workbook", b"workbook", b"other"])

    assert first == second != other
    assert originals.read(first) == b"workbook"
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 2


def test_damaged_original_is_noticed(tmp_path: Path):
    """Bytes that changed on the disk are an error, not an answer."""
    originals = Originals(tmp_path)
    digest = originals.keep(b"workbook")
    originals.path(digest).write_bytes(b"workbooK")

    with pytest.raises(OriginalDamaged):
        originals.read(digest)


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_unknown_digest_is_a_key_error(tmp_path: Path, digest: str):
    """Nothing outside the folder can be named."""
    with pytest.raises(KeyError):
        Originals(tmp_path).read(digest)


def test_half_written_file_is_never_found(tmp_path: Path):
    """A crash while writing leaves a file under a name nobody asks for."""
    originals = Originals(tmp_path)
    (tmp_path / "new" / "0123").write_bytes(b"half a work")

    digest = originals.keep(b"half a workbook")

    assert originals.read(digest) == b"half a workbook"
