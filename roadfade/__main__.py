"""``python -m roadfade``."""

from roadfade.cli import main

main()
