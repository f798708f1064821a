"""Playbooks, certificates and releases, on real machines as far as one computer has them."""
