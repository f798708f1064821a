"""Ingest, journal, publish, acknowledge. Closed to edge and signage."""
