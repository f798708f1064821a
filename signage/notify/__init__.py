"""Notices on the phone: the wait is yours to spend. See docs/notify.md."""
