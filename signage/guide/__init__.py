"""The guide as residents meet it: on a touched screen and on their phone."""
