"""The PostgreSQL store: rows in partitions that end together, dropped when they do.

Imports the port alone; the only room that knows ``psycopg``.
"""
