"""Screens: what they show when, whom they call out, and whether they show what the hub told."""
