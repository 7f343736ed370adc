"""What every command shares at the keyboard: arguments, answers, exit codes.

Imports settings and refusals; never what a command does.
"""
