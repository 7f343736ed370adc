"""Evidence that there were consents, for officers alone: it names nobody, and ends by its date."""
