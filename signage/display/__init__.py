"""The lobby screen: what the Pi behind it serves to the browser on it."""
