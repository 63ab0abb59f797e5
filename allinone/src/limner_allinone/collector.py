"""Tunes Python's cyclic garbage collector for a server that decodes large documents.

With the defaults a decode of 100,000 shapes spends most of its time in collections that find nothing: they walk all
modules, statements and settings again and again. What is alive once the services stand stays alive, so it is set aside.
"""

import gc

from limner_common.memory import give_back_memory

_YOUNG_OBJECTS = 100_000
_OLDER_GENERATIONS = 50


def settle() -> None:
    """Set aside all that is alive and collect less often; call once, when the services are built.

    Memory that building them has freed, some megabytes, goes back to the system.
    """
    gc.collect()
    give_back_memory()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, _OLDER_GENERATIONS, _OLDER_GENERATIONS)
