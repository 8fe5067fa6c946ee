"""Tells people outside that a run has ended: a webhook that takes Slack's JSON, and a topic of SNS.

Nothing here can fail a run: what cannot be told is one warning. A webhook's address is a secret, and whoever has it may
write to the channel: it stands in no message, log or file, and no redirect carries the text elsewhere.
"""

import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ftm_ray.cli.screens.notice import RunEnd, headline, notice
from ftm_ray.config import NotifySettings
from ftm_ray.environment import webhook_address
from ftm_ray.errors import FtmError, QualityError
from ftm_ray.machines.findings import Finding

if TYPE_CHECKING:
    from ftm_ray.run.pipeline import RunOutcome

logger = logging.getLogger(__name__)

_TIMEOUT_S = 10.0
_TOO_LATE = f"no answer within {_TIMEOUT_S:g} s"
_N_TRIES = 2
_PAUSE_S = 1.0

#: SNS takes a subject of so many characters, in ASCII.
_SUBJECT_CHARACTERS = 100


class _NotTold(Exception):
    """Why nobody was told, without the address; `may_pass` = a second try may help."""

    def __init__(self, reason: str, may_pass: bool) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


OnOutcome = Callable[["RunOutcome"], None]


@contextmanager
def told(root: str, quarter: str, settings: NotifySettings) -> Iterator[OnOutcome]:
    """Tell how the block ended, unless everything had been done before; an error or Ctrl-C goes on its way.

    Gives a function that takes the outcome of a run that ended well.
    """
    outcomes: list[RunOutcome] = []
    start = time.perf_counter()

    def tell(outcome: str, reason: str | None = None, record: dict[str, Any] | None = None) -> None:
        tell_end(settings, RunEnd(quarter, root, outcome, time.perf_counter() - start, record, reason))

    try:
        yield outcomes.append
    except QualityError as error:
        tell("refused", str(error))
        raise
    except FtmError as error:
        tell("failed", str(error))
        raise
    except KeyboardInterrupt:
        tell("stopped")
        raise
    except Exception as error:
        tell("failed", f"{error.__class__.__name__}: {error}")
        raise
    if outcomes and not outcomes[0].already_done:
        tell("published", record=outcomes[0].record)


def tell_end(settings: NotifySettings, end: RunEnd) -> None:
    """Tell how a run ended; who cannot be told is a warning."""
    try:
        subject, text = headline(end), notice(end)
    except Exception as error:  # noqa: BLE001 - the run has ended, and must not fail by what is said about it
        logger.warning("nobody was told that the run ended: %s: %s", type(error).__name__, error)
        return
    # Who stopped the run waits, and `ray job stop` kills what has not ended in a minute: the model must go down first.
    n_tries = 1 if end.outcome == "stopped" else _N_TRIES
    for channel, trouble in send(settings, subject, text, n_tries).items():
        if trouble is not None:
            logger.warning("%s was not told that the run ended: %s", channel, trouble)


def send(settings: NotifySettings, subject: str, text: str, n_tries: int = _N_TRIES) -> dict[str, str | None]:
    """Send a text wherever the settings say; the trouble of each channel, None where it was taken."""
    address, topic = webhook_address(settings.webhook_variable), settings.sns_topic
    channels: dict[str, Callable[[], None]] = {}
    if address is not None:
        channels[f"the webhook in {settings.webhook_variable}"] = lambda: _post(address, text)
    if topic is not None:
        channels[f"the SNS topic {topic.rpartition(':')[2]}"] = lambda: _publish(topic, subject, text)
    return {name: _tried(deliver, n_tries) for name, deliver in channels.items()}


def notification_findings(settings: NotifySettings) -> list[Finding]:
    """Send a trial message; one finding per channel, or that there is none."""
    troubles = send(settings, "a trial message of ftm", "A trial message of `ftm doctor --notify`: it arrived.")
    if not troubles:
        advice = f"set {settings.webhook_variable or 'notify.webhook_variable'} or notify.sns_topic"
        return [Finding("notify", "fail", "nobody is told when a run ends", advice)]
    return [
        Finding("notify", "ok", f"{channel} took a message; look whether it arrived")
        if trouble is None
        else Finding("notify", "fail", f"{channel}: {trouble}", "mend the address, the topic or the rights")
        for channel, trouble in troubles.items()
    ]


def _tried(deliver: Callable[[], None], n_tries: int) -> str | None:
    """Deliver, with so many tries; the trouble, or None."""
    for left in reversed(range(n_tries)):
        trouble = _within_the_limit(deliver)
        if trouble is None:
            return None
        if not (trouble.may_pass and left):
            break
        time.sleep(_PAUSE_S)
    return str(trouble)


def _within_the_limit(deliver: Callable[[], None]) -> _NotTold | None:
    """Deliver in a thread of its own: the libraries' limits are for each read, and none is for looking up a name."""
    ended: list[_NotTold | None] = []

    def work() -> None:
        try:
            deliver()
        except _NotTold as trouble:
            ended.append(trouble)
        except Exception as error:  # noqa: BLE001 - it must not fail the run, and its text may hold the address
            ended.append(_NotTold(f"{error.__class__.__name__}", may_pass=False))
        else:
            ended.append(None)

    thread = threading.Thread(target=work, daemon=True, name="notify")
    thread.start()
    thread.join(_TIMEOUT_S)
    return ended[0] if ended else _NotTold(_TOO_LATE, may_pass=True)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Go nowhere else: the redirect comes out as the error that it is here."""


def _post(address: str, text: str) -> None:
    """Send Slack's JSON, which Mattermost and many others take, too."""
    if not (address.isascii() and address.isprintable()) or urlsplit(address).scheme not in ("http", "https"):
        raise _NotTold("it holds no http:// or https:// address", may_pass=False)
    for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):  # else <!channel> in an error calls all
        text = text.replace(character, written)
    request = urllib.request.Request(
        address, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        error.close()
        raise _NotTold(*_meaning_of(error.code)) from None
    except urllib.error.URLError as error:  # an OSError itself; what it wraps knows more
        raise _NotTold(_broken(error.reason), may_pass=True) from None
    except OSError as error:
        raise _NotTold(_broken(error), may_pass=True) from None


def _broken(error: object) -> str:
    """Why there was no answer."""
    if isinstance(error, TimeoutError):
        return _TOO_LATE
    known = error.strerror if isinstance(error, OSError) else None
    return known or "the connection broke"


def _meaning_of(status: int) -> tuple[str, bool]:
    """What a status says, and whether it may pass; the server's own words may hold the address."""
    words = HTTPStatus(status).phrase if status in list(HTTPStatus) else "unknown"
    advice = "; a redirect is not followed: give the address that it leads to" if 300 <= status < 400 else ""
    return f"it answered {status} {words}{advice}", status >= 500 or status in (408, 429)


def _publish(topic: str, subject: str, text: str) -> None:
    """Publish to SNS with the machine's AWS credentials, in the region that the topic's ARN names."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    limits = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 1})
    in_ascii = subject.encode("ascii", "replace").decode()[:_SUBJECT_CHARACTERS]
    try:
        session = boto3.session.Session()  # boto3's own one keeps the credentials that it found first
        sns = session.client("sns", region_name=topic.split(":")[3], config=limits)
        sns.publish(TopicArn=topic, Subject=in_ascii, Message=text)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an error")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise _NotTold(f"SNS answered {code}", may_pass=status >= 500) from None
    except BotoCoreError as error:
        raise _NotTold(str(error).partition("\n")[0], may_pass=True) from None
