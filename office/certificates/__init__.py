"""Certificates of devices: who signs them, which were handed out, and which are revoked."""
