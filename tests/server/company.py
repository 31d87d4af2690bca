"""A small company for the tests: two regions, three stations, and master data the forms choose from."""

from pathlib import Path

from sqlalchemy.orm import Session

from server.access.people import create_user, find_user
from server.access.visibility import Viewer
from workbooks.library import load_folder
from workbooks.master import Master, MasterRow

PASSWORD = "correct horse battery"
OWN_FORMS = load_folder(Path(__file__).parent / "forms")
VISIT = OWN_FORMS["visit"]


def _row(code: str, zh: str, en: str, up: str = "", level: int | None = None, **attributes: str) -> MasterRow:
    return MasterRow(code=code, label_zh=zh, label_en=en, parent=up, level=level, attributes=attributes)


MASTER = Master(
    {
        "stations": [
            _row("CZ", "常州站", "Changzhou", region="华东", region_en="East", email="cz@station.cn、east@station.cn"),
            _row("NJ", "南京站", "Nanjing", region="华东", region_en="East", email="east@station.cn"),
            _row("CD", "成都站", "Chengdu", region="西南", region_en="Southwest", email="CD@station.cn"),
        ],
        "customers": [
            _row("C1", "常州地铁", "Changzhou Metro", "CZ", region="华东", station="CZ"),
            _row("C2", "成都地铁", "Chengdu Metro", "CD", region="西南", station="CD"),
        ],
        "products": [
            _row("P1", "车门系统", "Door system", "", 1, parent="", drawing_no=""),
            _row("P11", "客室门", "Saloon door", "P1", 2, parent="P1", drawing_no=""),
            _row("P111", "门控器", "Door controller", "P11", 3, parent="P11", drawing_no="DCU-01"),
        ],
        "vehicles": [
            _row(
                "T0101", "01号车", "Train 01", "C1", customer="C1", station="CZ", vehicle_type="B型车", line="1号线",
                accepted_on="2024-05-01", warranty_until="2027-04-30",
            ),
        ],
        "failure_modes": [_row("F1", "无法关门", "Does not close", "P111", product="P111")],
        "people": [_row("U1", "张伟", "Zhang Wei", "CZ", station="CZ", role="技术员", phone="", email="")],
    }
)  # fmt: skip


def hire(session: Session) -> None:
    """
    Alice works at station CZ, Bob checks quality, Charlie works at another station.

    Erin is an engineer, Mei manages the region 华东, Ada administers.
    """
    for username, roles, station, region in (
        ("alice", ["station"], "CZ", None),
        ("bob", ["quality"], None, None),
        ("charlie", ["station"], "CD", None),
        ("erin", ["engineer"], None, None),
        ("mei", ["manager"], None, "华东"),
        ("ada", ["admin"], None, None),
    ):
        create_user(
            session,
            username=username,
            password=PASSWORD,
            display_name=username.title(),
            roles=roles,
            station=station,
            region=region,
            email=f"{username}@company.cn",
        )


def viewer(session: Session, username: str) -> Viewer:
    """The person of this name."""
    found = find_user(session, username)
    assert found is not None
    return found
