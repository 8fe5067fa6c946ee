"""EC2's metadata service: what a machine can learn about itself, at an address that only it reaches."""

import urllib.error
import urllib.request

#: Of the service: it is on the machine itself and answers in milliseconds.
_TIMEOUT_S = 2.0
_TOKEN_TTL_S = 21600


class NoMetadataError(Exception):
    """Nobody answers as EC2's metadata service does: this is no EC2 machine."""


class MachineMetadata:
    """Asks one machine's metadata service. Its token holds six hours and is renewed when it is refused."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._token: str | None = None

    def get(self, path: str) -> str | None:
        """What the service says under a path; None where it has nothing there.

        Raises:
            NoMetadataError: Nobody answers.
        """
        for is_last in (False, True):
            try:
                self._token = self._token or self._new_token()
                url = self._endpoint + path
                return _read(urllib.request.Request(url, headers={"X-aws-ec2-metadata-token": self._token}))
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                if error.code != 401 or is_last:
                    raise NoMetadataError(f"{self._endpoint} answers {error.code}") from error
                self._token = None  # it is too old
            except OSError as error:
                raise NoMetadataError(f"{self._endpoint}: {getattr(error, 'reason', error)}") from error
        raise AssertionError("unreachable: the last try returns or raises")

    def _new_token(self) -> str:
        request = urllib.request.Request(
            f"{self._endpoint}/latest/api/token",
            method="PUT",
            headers={"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_TTL_S)},
        )
        return _read(request)


def _read(request: urllib.request.Request) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to this machine itself
    with opener.open(request, timeout=_TIMEOUT_S) as reply:
        content: bytes = reply.read()
    return content.decode()
