"""An older office made true again, before anybody works with it: what ended since ends in it, too.

It only ever takes away: what the memory of what was removed cannot know (who was linked, what was
consented to since) is not there.
"""
