"""Reliability figures as pure functions: no database, frozen results; surpyval is imported when needed."""
