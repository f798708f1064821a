"""What an office learns from a month: pure figures, see docs/report.md."""
