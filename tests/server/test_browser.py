"""The pages in a real browser: dropping workbooks, filling in a form, on a desk and on a phone."""

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib.resources import files
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from server.access.visibility import Viewer
from server.site import Site
from tests.server.browsing import served
from tests.server.company import PASSWORD
from tests.server.test_statistics import FAILURE, send
from tests.server.visits import fill_in, workbook

pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)

DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 780}
_MAKE_FILES = """files => {
  const carried = new DataTransfer();
  for (const [name, content] of files) {
    carried.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name));
  }
  return carried;
}"""


@pytest.fixture(scope="module")
def chromium(require_program: Callable[..., str]) -> Iterator[Browser]:
    """Debian's Chromium, driven from here."""
    path = require_program("chromium", "chromium-browser", "google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where the site is served during this test."""
    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained of, content policy first of all."""
    return []


def _open(chromium: Browser, address: str, complaints: list[str], **options: object) -> Page:
    """A page on which Alice has signed in."""
    context: BrowserContext = chromium.new_context(base_url=address, locale="zh-CN", **options)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/sign-in")
    page.fill("#username", "alice")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    page.locator("header.side").wait_for()
    return page


def _wider_than_its_window(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def test_workbooks_dropped_on_the_page_get_their_receipts(chromium: Browser, address: str, complaints: list[str]):
    """Two at once: the number of the good one, the cell of the mistake in the other, and that one back, marked."""
    page = _open(chromium, address, complaints, viewport=DESK)
    page.goto("/submit")
    files = {"好.xlsx": workbook(), "坏.xlsx": workbook({"severity": None})}
    carried = page.evaluate_handle(_MAKE_FILES, [[n, base64.b64encode(c).decode()] for n, c in files.items()])
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": carried})
    page.locator("[data-outcome]").nth(1).wait_for()

    good, bad = page.locator("[data-outcome=recorded]"), page.locator("[data-outcome=rejected]")
    assert "好.xlsx" in good.inner_text()
    assert "V-" in good.inner_text()
    assert "“严重度”没有填写" in bad.inner_text()
    assert bad.locator("b.place").inner_text()[0].isalpha()
    with page.expect_download() as download:
        bad.get_by_text("下载标注工作簿").click()
    assert len(load_workbook(BytesIO(download.value.path().read_bytes())).sheetnames) > 1
    assert complaints == []
    page.context.close()


def test_the_page_works_without_a_script(chromium: Browser, address: str, complaints: list[str]):
    """A plain form with several files."""
    page = _open(chromium, address, complaints, viewport=DESK, java_script_enabled=False)
    page.goto("/submit")
    page.set_input_files("#workbook", [{"name": "a.xlsx", "mimeType": "", "buffer": workbook()}])
    page.click("form.drop button")

    assert page.locator("[data-outcome=recorded]").count() == 1
    page.context.close()


def test_a_form_is_filled_in_on_the_page(chromium: Browser, address: str, complaints: list[str]):
    """Lines are added and removed, a mistake is shown at its field, and then there is a record."""
    page = _open(chromium, address, complaints, viewport=DESK)
    page.goto("/forms/visit/new")
    page.select_option("#customer", "C1")
    page.fill("#visited_on", "2026-03-05")
    page.click("[data-add-line]")
    page.click("[data-add-line]")
    page.locator("[data-remove-line]").nth(1).click()
    page.fill('[name="parts.0.part"]', "密封条")
    page.fill('[name="parts.2.part"]', "螺栓")
    assert page.locator("[data-lines] tbody .line-number").all_inner_texts() == ["1", "2"]
    page.click(".sticky .primary")

    page.locator("#findings").wait_for()
    assert "“严重度”没有填写" in page.locator("#at-severity").inner_text()
    assert page.input_value('[name="parts.1.part"]') == "螺栓"
    page.select_option("#severity", "minor")
    page.click(".sticky .primary")
    page.locator("[data-outcome=recorded]").wait_for()
    page.click("[data-outcome] .lead")
    assert "螺栓" in page.locator("main").inner_text()
    # The browser itself notes the status 422 of the first answer.
    assert [said for said in complaints if "422" not in said] == []
    page.context.close()


def test_drop_downs_follow_their_parent(chromium: Browser, address: str, complaints: list[str]):
    """Only the children of what was chosen are offered; choosing another parent empties the child."""
    page = _open(chromium, address, complaints, viewport=DESK)
    page.goto("/forms/fracas/new")
    subsystems = page.locator("#subsystem option")
    page.select_option("#system", "P1")
    assert subsystems.all_inner_texts() == ["", "客室门"]
    page.select_option("#subsystem", "P11")
    page.select_option("#system", "")

    assert page.input_value("#subsystem") == "P11"
    assert page.locator("#part option").all_inner_texts() == ["", "门控器"]
    assert complaints == []
    page.context.close()


def test_a_long_label_pushes_the_next_one_down(
    chromium: Browser, address: str, complaints: list[str], site: Site, alice: Viewer
):
    """On a phone a table's row is a card; "Service station" takes two lines there and covers nothing."""
    fill_in(site, alice)
    page = _open(chromium, address, complaints, viewport=PHONE)
    page.goto("/forms/visit/records")
    grows = """cell => {
      const before = cell.offsetHeight;
      cell.dataset.label = "three lines of a very long label";
      return cell.offsetHeight > before + 20;
    }"""

    assert page.locator("td[data-label]").first.evaluate(grows)
    page.context.close()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_is_wider_than_the_screen(
    chromium: Browser, address: str, complaints: list[str], site: Site, alice: Viewer, viewport: dict[str, int]
):
    """Tables scroll in their own box or become cards; and the policy allows all that the pages do."""
    receipt = fill_in(site, alice)
    rejected = fill_in(site, alice, {"severity": "", "visited_on": "x"}, instance_id="i2")
    page = _open(chromium, address, complaints, viewport=viewport)
    paths = [
        "/", "/submit", "/templates", "/submissions", "/account", "/forms/visit/records", "/forms/fracas/new",
        f"/records/{receipt.record_number}", f"/records/{receipt.record_number}/edit",
        f"/submissions/{rejected.submission_id}", "/api/v1/docs",
    ]  # fmt: skip
    wide = []
    for path in paths:
        page.goto(path)
        if _wider_than_its_window(page):
            wide.append(path)

    assert wide == []
    assert complaints == []
    assert len(page.screenshot()) > 10_000
    page.context.close()


@pytest.fixture
def failures(site: Site) -> list[str]:
    """The numbers of three failures at Alice's station, the last of them reported days ago."""
    now = site.now().replace(tzinfo=None)
    found = []
    for index, days in enumerate((70, 40, 3)):
        back = now.replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=days) - FAILURE["reported_at"]
        moved = {n: v.replace(second=0) + back for n, v in FAILURE.items() if isinstance(v, datetime)}
        found.append(send(site, "fracas", FAILURE | moved, now, f"chart{index}"))
    return found


def _live(page: Page, chart: str) -> None:
    """Wait until the script has drawn a chart."""
    page.locator(f"#{chart} .figure").scroll_into_view_if_needed()
    page.locator(f"#{chart} .figure[data-state=live]").wait_for()


_SHIFTS = """new PerformanceObserver(list => { for (const e of list.getEntries()) window.shifted = (window.shifted ?? 0)
  + (e.hadRecentInput ? 0 : e.value); }).observe({ type: "layout-shift", buffered: true });"""


def test_charts_answer(
    chromium: Browser, address: str, complaints: list[str], site: Site, alice: Viewer, failures: list[str]
):
    """Values under the pointer, parts switched off, a click leads to the records; nothing moves, nothing from afar."""
    page = _open(chromium, address, complaints, viewport=DESK)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(_SHIFTS)
    page.goto("/boards/failures")
    _live(page, "months")
    assert page.locator("#months .plot .bars .point").count() > 0

    page.locator("#months .plot .nsewdrag").hover()
    bar = page.locator("#months .plot .bars .point path").last
    bar.hover(force=True)
    assert "故障数 1" in page.locator("#months .hovertext").first.text_content()
    toggle = page.locator("#months .legend-toggle").nth(1)
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "false"
    _live(page, "ageing")
    assert page.evaluate("window.shifted ?? 0") < 0.02
    page.locator("#months").scroll_into_view_if_needed()
    with page.expect_navigation():
        bar.click(force=True)

    assert page.locator("tbody a.lead").all_inner_texts() == [failures[-1]]
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert complaints == []
    page.context.close()


def test_a_card_alone_in_its_row_takes_all_of_it(
    chromium: Browser, address: str, complaints: list[str], site: Site, alice: Viewer, failures: list[str]
):
    """So does what is drawn on it, also when its neighbour goes or comes later."""
    page = _open(chromium, address, complaints, viewport=DESK)
    page.goto("/boards/failures")
    _live(page, "stations")
    measured = """() => [".cards", "#stations", "#stations .figure", "#stations .plot .main-svg"].map(
      name => Math.round(document.querySelector(name).getBoundingClientRect().width))"""
    board, card, _, _ = page.evaluate(measured)
    assert card < board / 2

    page.evaluate("document.getElementById('rate').remove()")
    page.wait_for_timeout(800)
    board, wider, box, drawn = page.evaluate(measured)
    assert (wider, drawn) == (board, box)
    page.context.close()


def test_charts_work_without_a_script_and_on_a_phone(
    chromium: Browser, address: str, complaints: list[str], site: Site, alice: Viewer, failures: list[str]
):
    """Every bar is a link that a keyboard reaches, every chart has its table; a phone shows it all in its width."""
    page = _open(chromium, address, complaints, viewport=DESK, java_script_enabled=False)
    page.goto("/boards/failures?period=history")
    assert page.locator("#months .wide-only svg a").count() == page.locator("#months .numbers tbody tr").count() > 2
    page.locator("#months .wide-only svg a").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/charts/months/records?*")
    page.context.close()

    phone = _open(chromium, address, complaints, viewport=PHONE, has_touch=True, is_mobile=True)
    phone.goto("/boards/failures")
    _live(phone, "stations")
    assert not _wider_than_its_window(phone)
    phone.locator("#stations .plot .bars .point path").first.scroll_into_view_if_needed()
    phone.locator("#stations .plot .bars .point path").first.tap(force=True)
    phone.locator("#stations .picked a").tap()
    phone.locator("tbody a.lead").first.wait_for()
    assert complaints == []
    phone.context.close()


def test_the_rules_of_the_charts_are_those_of_the_script(chromium: Browser, app: Flask):
    """plotly.css holds what plotly would have put into a style element; a new release may bring new rules."""
    page = chromium.new_page()
    page.set_content("<div id=plot></div>")
    page.add_script_tag(content=(files("plotly") / "package_data/plotly.min.js").read_text(encoding="utf-8"))
    own = (files("server.web") / "static/plotly.css").read_text(encoding="utf-8")
    wanted = page.evaluate(
        """own => { Plotly.newPlot("plot", [{ y: [1] }]);
          const rules = sheet => [...sheet.cssRules].map(rule => rule.selectorText);
          const ours = new CSSStyleSheet(); ours.replaceSync(own);
          const theirs = document.getElementById("plotly.js-style-global").sheet;
          return rules(theirs).filter(one => !rules(ours).includes(one)); }""",
        own,
    )

    assert [rule for rule in wanted if "cloud-dialog" not in rule] == []
    page.close()
