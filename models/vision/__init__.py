"""Detectors: how their outputs are read, the cards that describe them, our own tiny weights."""
