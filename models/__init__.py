"""BELIEVES: the pure core, no I/O at all."""
