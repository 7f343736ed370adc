"""What office and store together hold of one person, found for that person: shown and exported.

It reads: nothing here removes or changes a row. The office finds links, consents and pseudonyms,
the store finds rows; neither imports the other, so that they meet here.
"""
