"""Pages: one file each; `page.py` is the resident's own, and makes what all of them share."""
