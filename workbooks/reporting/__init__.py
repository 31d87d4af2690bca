"""Report workbooks: cover, data, pivot tables and charts."""
