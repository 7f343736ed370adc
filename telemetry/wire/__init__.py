"""What travels: messages of the raw, purpose, control and audit topics, and what their text holds.

Imports identities and instants; never the catalogue, nor what is made of a message.
"""
