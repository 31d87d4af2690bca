"""Paper-like workbooks: what stands on them, which cells ask for an answer, and the definition that follows."""
