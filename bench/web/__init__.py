"""How fast the web process is, beside nginx in the same run."""
