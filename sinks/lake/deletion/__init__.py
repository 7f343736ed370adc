"""What removes bytes from the lake: expiring, erasing, giving rows another expiry."""
