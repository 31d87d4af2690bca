"""Formulas of form authors: parsed, understood, compiled, and written for Excel."""
