"""What sensors that read devices of other makes share."""
