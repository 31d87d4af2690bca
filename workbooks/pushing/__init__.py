"""A table's rows replaced, and what hangs on them."""
