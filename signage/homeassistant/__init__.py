"""The office in a facility's Home Assistant (docs/home-assistant.md)."""
