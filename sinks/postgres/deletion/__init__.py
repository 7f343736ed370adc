"""What removes bytes from PostgreSQL: expiring, erasing, giving rows another expiry.

Imports the rest of the store and the port; nothing else of the store removes a row.
"""
