"""The errors of ftm-ray, named by what the caller must do.

Every message says what failed, what was got and expected, where, and what to do.
The `ftm` command prints the message as one line and ends with `exit_code`; no traceback.
"""


class FtmError(Exception):
    """Base of every error that a user can do something about."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self._message = message

    def __str__(self) -> str:
        """The message as it was raised: Ray Data (seen in 2.60) puts lines of its own into `args` on the way."""
        return self._message


class ConfigError(FtmError):
    """The command or the configuration is wrong: change it and run again."""

    exit_code = 2


class QualityError(FtmError):
    """The work ran but its result is not good enough to publish: nothing was published."""

    exit_code = 3


class SourceError(FtmError):
    """Input or storage cannot be read or written as asked: repair it and run again."""

    exit_code = 4


class DamagedError(SourceError):
    """A file is there, but its bytes are not those that were written: make it again."""


class RetryableError(FtmError):
    """A passing fault (network, busy endpoint): the same call may go through later."""

    exit_code = 4
