"""Where the hub keeps what it was told. A new store is one file here and one line in STORES."""

STORES = {
    "sqlite": "broker.hub.history.sqlite:Journal",
}
"""Every history store, by its name."""
