"""What is made from a plan for other systems: topics, rights, contracts, periods.

May import plan, language and vocabulary; never a compiler.
"""
