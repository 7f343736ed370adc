"""Who is registered, who drives what when, who agreed to what: intervals, never last states.

Imports ``office.store``; never the keyring: people know no key.
"""
