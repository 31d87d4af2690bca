"""What becomes of a submission, in one word and in the words people read."""

from collections.abc import Mapping
from enum import StrEnum

from workbooks.form import Text


class Outcome(StrEnum):
    """What became of a submission; the values are public (API, receipts)."""

    RECORDED = "recorded"  # a new record
    REVISED = "revised"  # the next revision of a record
    ALREADY_RECEIVED = "already-received"  # nothing new in it
    REJECTED = "rejected"  # errors; kept, but no record


FAILED = "failed"  # an error of ours; the submission is kept and can be read again

OUTCOME_TEXT: Mapping[str, Text] = {
    Outcome.RECORDED: Text("已接收，新建记录", "Received, new record"),
    Outcome.REVISED: Text("已接收，更新记录", "Received, record revised"),
    Outcome.ALREADY_RECEIVED: Text("此前已收到", "Already received"),
    Outcome.REJECTED: Text("未接收，请改正后重交", "Not accepted, please correct and resend"),
    FAILED: Text("系统处理出错，文件已保存", "An error of ours; the file is kept"),
}

STATE_TEXT: Mapping[str, Text] = {
    "open": Text("处理中", "Open"),
    "closed": Text("已关闭", "Closed"),
}
