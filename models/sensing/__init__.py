"""What a sensor sees, from edges, boxes and lines of text. Pure."""
