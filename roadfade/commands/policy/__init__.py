"""``roadfade policy …``: questions to a document, its artefacts and pages, publication."""
