"""The words of the pages, in each language: phrases, titles, reasons, and what they claim."""
