"""The office's database: engine, tables, migrations, and what leaves a change behind.

Imports nothing of the office but its errors; no rule about people is here.
"""
