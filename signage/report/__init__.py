"""The monthly report that a council can read: one HTML file, a PDF of it, its tables as CSV."""
