"""Rows of people packed into bytes: some eighty bytes a row where objects take some five hundred.

Nothing here knows what a row means for anybody; ``people`` of the room above does.
"""
