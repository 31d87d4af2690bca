"""Workbooks people have registered: the server refreshes them by schedule and delivers them."""
