"""Ending what lies on a topic before its bound, in an emergency: ``roadfade topics force-end``."""
