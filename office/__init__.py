"""What people may ask: the registry of devices, links and consents, and the keyring."""
