"""Excel, offline: what a form is, reading, checking, marking and filling workbooks. No network, no database."""
