"""The compiled policy as frozen tables, and the questions that the tables answer."""
