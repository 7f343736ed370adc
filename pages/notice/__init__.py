"""The public notice: its page, first sentences and texts, and what the law asks it to tell."""
