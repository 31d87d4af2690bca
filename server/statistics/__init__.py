"""Figures: named rows for reports, measures with their limits, and the first screen; every figure as of an instant."""
