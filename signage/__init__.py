"""SHOWS: what residents and staff see."""
