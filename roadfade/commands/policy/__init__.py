"""``roadfade policy …``: questions to a document, its artefacts and pages, publication.

Imports what ``roadfade.commands`` may; never a running process.
"""
