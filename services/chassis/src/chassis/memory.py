"""What a long-lived process asks of its collector and its heaps."""

import ctypes
import gc


def spare_the_collector() -> None:
    """What a start has made lives as long as the process, and a poll of events is thousands of objects that end
    together: with Python's own limits the collector walks all of them again and again, a third of the time.

    What is frozen is not walked, so that a full collection is cheap; with few of them memory would grow by megabytes a
    minute under load, for what survived a younger one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 2, 2)


def share_the_heaps() -> None:
    """glibc gives each of the store's threads a heap of its own, and none shrinks below its busiest moment: together
    they grow for an hour. Where the C library is another, nothing is to be done."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-8, 2)  # M_ARENA_MAX
