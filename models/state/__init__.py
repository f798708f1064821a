"""The office as a fold over observations: what was seen goes in, what is believed comes out."""
