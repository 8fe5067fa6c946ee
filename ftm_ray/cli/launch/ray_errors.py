"""Errors that crossed Ray, in one sentence of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from ftm_ray.errors import RetryableError


@contextmanager
def ray_errors() -> Iterator[None]:
    """An error of ours that crossed Ray comes out as itself, and the loss of a worker as a RetryableError."""
    from ray.exceptions import RayError, RayTaskError  # noqa: TID251 - Ray wraps our errors; types decide, not texts

    from ftm_ray.run.session import own_errors

    try:
        with own_errors():
            yield
    except RayTaskError:
        raise
    except RayError as error:
        raise lost_part(error, "the same command goes on where it stopped") from error


def lost_part(error: Exception, what_to_do: str) -> RetryableError:
    """Ray's own error, of which a person needs the last line only."""
    last_line = str(error).strip().rpartition("\n")[2]
    return RetryableError(f"Ray lost a part of itself ({last_line}); {what_to_do}")
