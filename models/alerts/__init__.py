"""What others warn of: CAP 1.2 and the reports of the JMA, read and judged, with no I/O."""
