"""Detectors: how their outputs are read, and the cards that describe them. No weights here."""
