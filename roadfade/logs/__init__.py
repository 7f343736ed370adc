"""What a process logs: events, the form of a line, repeats, and the one place that sets all up.

Knows no settings but those handed in; nothing is set up by an import.
"""
