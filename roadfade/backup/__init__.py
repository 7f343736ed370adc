"""Copies of office, ledger and lake that end; and going back to one without reviving anybody.

``kept`` knows folders and manifests alone: the sweep, which may reach no register, ends backups.
"""
