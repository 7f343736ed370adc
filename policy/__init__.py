"""The policy as code: a document people read, compiled into the plan machines run.

Pure: ``parse`` takes text, nothing here reads a file, a clock or the environment.
"""
