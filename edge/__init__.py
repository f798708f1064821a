"""SENSES: the agent on a Raspberry Pi."""
