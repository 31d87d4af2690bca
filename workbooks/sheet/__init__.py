"""The form's own sheet: planned, drawn, and given its drop-downs, rules and colours."""
