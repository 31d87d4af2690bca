"""The boards of figures on the pages: what each chart counts, exports and leads to."""
