# The core as Python sees it. Only the adapters that import contracts name may import it.
from typing import Final

# What of this module Python was written for; another number is another core, and not used.
INTERFACE: Final[int]
