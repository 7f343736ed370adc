"""An office that is lost, made anew from what lies on its control topics.

Its rows stand under their own ids; what no topic carries is not there, and is said.
"""
