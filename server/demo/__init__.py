"""A company that does not exist: master data and 36 months of history, typed as people type."""

from server.demo.history import demo_answers
from server.demo.loader import Account, DemoError, DemoSummary, load_demo
from server.demo.master import demo_master
from server.demo.sending import Sending

__all__ = ["Account", "DemoError", "DemoSummary", "Sending", "demo_answers", "demo_master", "load_demo"]
