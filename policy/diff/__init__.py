"""What a new version opens, closes, lengthens or shortens, in sentences.

May import plan, language and vocabulary; never the compiler.
"""
