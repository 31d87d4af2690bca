"""The forms and reports that come with Aftersheet: one folder each, data only."""
