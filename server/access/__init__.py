"""People, tokens and who may see what."""
