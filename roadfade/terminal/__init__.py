"""What every command shares at the keyboard: arguments, answers, exit codes."""
