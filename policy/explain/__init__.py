"""Why a reading passes or does not, under one plan; and the cases beside a document.

May import plan, language and vocabulary; never the compiler.
"""
