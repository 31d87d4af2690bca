"""200 damaged workbooks: each ends in the right values or in findings that name the damage, none in a wrong value."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz import damage, damage_one_of, damage_subject, good_subjects
from tests.fuzz.editing import Editor
from tests.fuzz.office import OFFICE_KINDS, damage_by_office
from tests.fuzz.oracle import judge
from tests.fuzz.subject import KINDS, Damage, Subject
from tests.libreoffice import Office, running
from workbooks.library import library

OFFICE_SEEDS = range(3 * len(OFFICE_KINDS))
SEEDS = range(200 - len(OFFICE_SEEDS))


@pytest.fixture(scope="module")
def subjects() -> dict[str, Subject]:
    """The good workbooks of tests/data, all six forms."""
    found = good_subjects()
    assert {subject.definition.form_id for subject in found.values()} == set(library())
    return found


@pytest.fixture(scope="module")
def office(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running(require_program("soffice", "libreoffice"), tmp_path_factory.mktemp("office")) as started:
        yield started


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_workbook_ends_well(subjects: dict[str, Subject], seed: int) -> None:
    """Nothing wrong is accepted, and what is turned down says what is damaged."""
    name, content, done = damage_one_of(subjects, seed)

    assert judge(subjects[name], content, done) == [], f"{name}, {done.kind}: {done.told}"


@pytest.mark.parametrize("seed", OFFICE_SEEDS)
def test_a_workbook_damaged_in_libreoffice_ends_well(
    subjects: dict[str, Subject], seed: int, office: Office, tmp_path: Path
) -> None:
    """The same, for what a real program does to names, merged cells and copies."""
    subject = subjects[sorted(subjects)[seed % len(subjects)]]
    content, done = damage_by_office(subject, seed, office, tmp_path)

    assert judge(subject, content, done) == [], f"{done.kind}: {done.told}"


def test_every_kind_of_damage_is_among_the_seeds(subjects: dict[str, Subject]) -> None:
    """200 seeds take every kind at least once."""
    taken = {damage_one_of(subjects, seed)[2].kind for seed in range(len(KINDS))}

    assert taken == set(KINDS)
    assert len(SEEDS) + len(OFFICE_SEEDS) == 200


def test_the_same_seed_does_the_same_damage(subjects: dict[str, Subject]) -> None:
    """What fails once can be looked at again."""
    subject = subjects["trip_loan_chengdu.xlsx"]

    first, second = damage(subject.content, 7), damage_subject(subject, 7)

    assert first[1] == second[1]
    assert Editor(first[0]).parts == Editor(second[0]).parts


def test_the_oracle_sees_a_wrong_value(subjects: dict[str, Subject]) -> None:
    """A changed answer that the damage does not own up to is a fault, and so is a refusal for another reason."""
    subject = subjects["feedback_nanjing_complaint.xlsx"]
    answer = next(a for a in subject.answers if a.path == "description")
    book = Editor(subject.content)
    book.put(answer.spot, "别的内容")
    changed = book.save()
    book.put(answer.spot, None)

    assert judge(subject, changed, Damage(kind="a lie")) != []
    assert judge(subject, changed, Damage(kind="honest", becomes={"description": ("别的内容",)})) == []
    assert judge(subject, book.save(), Damage(kind="another", paths=frozenset({"customer"}))) != []
