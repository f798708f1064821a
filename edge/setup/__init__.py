"""Camera set-up in a browser: staff draw zones, lines and slots on a view without people in it."""
