"""The contract, v1: topics, messages and how they are written down. See docs/contract.md."""
