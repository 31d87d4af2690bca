"""The page on which an administrator sees what form a company's sheet would be."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from tests.make_paper import PAPER
from tests.server.browsing import Browser, signed_in, visible_text
from workbooks.library import load


@pytest.fixture
def ada(app: Flask) -> Browser:
    return signed_in(app, "ada")


def upload(browser: Browser, content: bytes, name: str) -> str:
    answer = browser.post("/templates/propose", {"workbook": (BytesIO(content), name)})
    assert answer.status_code in (200, 422)
    return answer.text


def test_a_sheet_becomes_a_proposal_to_download(ada: Browser, tmp_path: Path):
    """Every cell with its name and reason, what is doubtful, and the folder as a ZIP that loads."""
    page = upload(ada, (PAPER / "客户投诉处理单.xlsx").read_bytes(), "客户投诉处理单.xlsx")
    text = visible_text(page)
    link = page.partition('href="/templates/propose/')[2].partition('"')[0]

    answer = ada.get(f"/templates/propose/{link}".replace("&amp;", "&"))

    assert all(words in text for words in ("B4", "AS_customer_name", "原有的数据验证", "投诉编号", "客户投诉处理单"))
    with zipfile.ZipFile(BytesIO(answer.data)) as archive:
        archive.extractall(tmp_path)
    definition = load(tmp_path / "customer_complaint_form" / "form.yaml")
    assert definition.own_look is not None
    assert "proposed from 客户投诉处理单.xlsx" in (tmp_path / "customer_complaint_form" / "form.yaml").read_text(
        "utf-8"
    )


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"noise" * 100, "a.xlsx", "a.xlsx"),
        (
            (Path(__file__).parents[1] / "data" / "bad" / "price_list_not_a_form.xlsx").read_bytes(),
            "价格.xlsx",
            "没有找到",
        ),
    ],
)
def test_what_is_no_form_is_told(ada: Browser, content: bytes, name: str, told: str):
    """In a sentence, with no proposal to download."""
    page = upload(ada, content, name)

    assert told in visible_text(page)
    assert "/templates/propose/" not in page


def test_nothing_else_is_handed_out(app: Flask, ada: Browser):
    """A digest of nothing, or of a file that is no form, does not exist; neither does the page for others."""
    assert ada.get(f"/templates/propose/{'0' * 64}.zip").status_code == 404
    assert ada.get("/templates/propose/..%2Fsecret.key.zip").status_code == 404
    assert signed_in(app, "alice").get("/templates/propose").status_code == 404
    assert "由现有表格生成表单" not in visible_text(signed_in(app, "alice").get("/templates").text)
    assert "由现有表格生成表单" in visible_text(ada.get("/templates").text)
