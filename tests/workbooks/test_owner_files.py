"""Who has a workbook open is told by the files that Excel, WPS and LibreOffice lay beside it."""

import pytest

from workbooks.owner_files import owner


def excel(name, ansi):
    """An owner file as Excel writes it: 165 bytes, the name in the code page and in UTF-16."""
    return bytes([len(ansi)]) + ansi.ljust(54) + len(name).to_bytes(2, "little") + name.ljust(54).encode("utf-16-le")


@pytest.mark.parametrize(
    ("name", "content", "person"),
    [
        ("~$report.xlsx", excel("王芳", "王芳".encode("gb18030")), "王芳"),
        ("~$report.xlsx", excel("", "李 Wei".encode("gb18030"))[:55], "李 Wei"),
        ("~$report.xlsx", b"", ""),
        (".~report.xlsx", excel("Zhang San", b"Zhang San"), "Zhang San"),
        (".~lock.report.xlsx#", "赵敏,zhao,pc-12,21.11.2026 09:30,file:///home/zhao/.config;".encode(), "赵敏"),
        (".~lock.report.xlsx#", b",zhao,pc-12,21.11.2026 09:30,file:///home/zhao/.config;", "zhao"),
    ],
)
def test_the_person_is_named_as_the_program_named_them(tmp_path, name, content, person):
    """In Chinese too; an empty file says at least that somebody is at it."""
    (tmp_path / name).write_bytes(content)

    found = owner(tmp_path / "report.xlsx")

    assert found is not None
    assert (found.person, found.file) == (person, tmp_path / name)


def test_files_beside_other_workbooks_say_nothing(tmp_path):
    """Only the workbook of that very name is open."""
    (tmp_path / "~$other.xlsx").write_bytes(excel("王芳", b"Wang"))

    assert owner(tmp_path / "report.xlsx") is None
