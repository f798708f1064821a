"""CARRIES: everything between a device and the answer."""
