"""What an actor loads when it starts: an error there would reach the person as "the actor died", so it waits."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from ftm_ray.errors import ConfigError

T = TypeVar("T")


@contextmanager
def loading() -> Iterator[None]:
    """Around the imports and models that an actor begins with: Python's garbage collector leaves them alone for good.

    torch, transformers, umap and bertopic make a million objects that stay. While they come, the collector would look
    through all of them nine times: a fifth of an actor's start (docs/benchmarks.md). At the end of the process it would
    look at them once more, to free what the end frees anyway; libraries that count their objects may then say in the
    actor's log that some are left. For a process of its own, as all that lives in it by then is left alone.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class Loaded(Generic[T]):
    """Something that is loaded at once, and whose error is raised when it is first asked for.

    Args:
        load: Loads it.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._found: T | ConfigError
        with loading():
            try:
                self._found = load()
            except ConfigError as error:
                self._found = error

    def get(self) -> T:
        """What was loaded.

        Raises:
            ConfigError: It could not be loaded.
        """
        if isinstance(self._found, ConfigError):
            raise self._found
        return self._found
