"""What is wrong with an office's devices, how soon somebody must come, and what residents miss."""
