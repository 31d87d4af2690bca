"""The log says what failed and where, and nothing that people wrote."""

from server.logs import without_values


def test_the_error_that_is_being_handled_is_told_without_its_message():
    """`log.exception` hands over no exception, only that there is one."""
    try:
        raise LookupError("客户的意见")
    except LookupError:
        event = without_values(None, "error", {"event": "failed", "exc_info": True})

    assert "LookupError" in str(event["exception"])
    assert "test_logs.py" in str(event["exception"])
    assert "客户的意见" not in str(event)
