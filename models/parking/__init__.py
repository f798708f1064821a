"""How many cars are parked, from gates that miss some and cameras that see some."""
