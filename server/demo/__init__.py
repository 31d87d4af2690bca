"""A company that does not exist: master data and 36 months of history, typed as people type."""
