"""The public notice: its page, four first sentences, its texts, and what the law asks it to tell."""
