"""What removes bytes from the lake: expiring, erasing, giving rows another expiry.

Imports the lake and the port; nothing else of the lake removes a row.
"""
