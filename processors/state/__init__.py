"""What rules over time remember of one raw partition: a function of its log and the plan alone.

Imports nothing of ours.
"""
