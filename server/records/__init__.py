"""What was sent and what became of it: submissions, records, revisions, audit, master data."""
