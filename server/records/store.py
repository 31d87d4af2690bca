"""The records' front door: what the layers above write and read through."""

from server.records.changes import Change
from server.records.conditions import SYSTEM_FIELDS, BadCondition, Condition, parse_condition
from server.records.listing import (
    NotFound,
    Page,
    RecordDetail,
    RecordRow,
    RevisionView,
    SubmissionRow,
    SubmissionView,
    find,
    record,
    record_counts,
    submission,
    submissions,
)
from server.records.outcome import OUTCOME_TEXT, STATE_TEXT, Outcome
from server.records.writing import Accepted, Arrival, Reading, Writer

__all__ = [
    "OUTCOME_TEXT",
    "STATE_TEXT",
    "SYSTEM_FIELDS",
    "Accepted",
    "Arrival",
    "BadCondition",
    "Change",
    "Condition",
    "NotFound",
    "Outcome",
    "Page",
    "Reading",
    "RecordDetail",
    "RecordRow",
    "RevisionView",
    "SubmissionRow",
    "SubmissionView",
    "Writer",
    "find",
    "parse_condition",
    "record",
    "record_counts",
    "submission",
    "submissions",
]
