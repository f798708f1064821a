"""Alerts of others, from files and the web, as the sensors `cap` and `jma` watch them."""
