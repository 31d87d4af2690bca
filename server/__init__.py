"""The Aftersheet server: intake, records, statistics, reports, web pages and API."""
