"""What an actor loads when it starts: an error there would reach the person as "the actor died", so it waits."""

from collections.abc import Callable
from typing import Generic, TypeVar

from ftm_ray.errors import ConfigError

T = TypeVar("T")


class Loaded(Generic[T]):
    """Something that is loaded at once, and whose error is raised when it is first asked for.

    Args:
        load: Loads it.
    """

    def __init__(self, load: Callable[[], T]) -> None:
        self._found: T | ConfigError
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
