"""The staff's pages, behind a login: how the devices are, the counter desk, notices."""
