"""What boto3 raises, in our words: what failed, where, and what to do. The code of an error decides, never its text."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError

from ftm_ray.errors import ConfigError, RetryableError, SourceError

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "InvalidClientTokenId"}
_FORBIDDEN = {"AccessDenied", "AllAccessDisabled", "Forbidden", "403"}
_WRONG_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
_CHANGED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_BUSY = {"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException"}
_MISSING = {"NoSuchKey", "404"}
_NO_LOGIN = (
    *(NoCredentialsError, PartialCredentialsError, ProfileNotFound, CredentialRetrievalError),
    *(SSOError, TokenRetrievalError, UnauthorizedSSOTokenError),
)
#: Nothing came back, or not all of it.
NO_ANSWER = (HTTPClientError, BotoConnectionError, IncompleteReadError)


class ChangedMeanwhile(RetryableError):
    """A file is not, or no longer, in the state that a conditional call named."""


class EmptyFile(SourceError):
    """A range was asked of a file without bytes."""


@contextmanager
def reported(what: str, bucket: str, tries: int) -> Iterator[None]:
    """Turn what boto3 raises into one sentence.

    Args:
        what: What cannot be done, such as 'cannot read s3://bucket/file'.
        bucket: Its name, for where it is missing.
        tries: How often a call is tried.

    Raises:
        RetryableError: It may pass: S3 is busy, the network is down, a file was replaced.
        ConfigError: The credentials, the region or the store are wrong.
        SourceError: Anything else that S3 refuses.
        FileNotFoundError: There is no such file.
    """
    try:
        yield
    except ClientError as error:
        raise _explained(what, bucket, tries, error) from error
    except _NO_LOGIN as error:
        raise ConfigError(
            f"{what}: no usable AWS credentials ({_one_line(error)}); log in "
            "(`aws configure` or `aws sso login`), set AWS_PROFILE, or give the machine a role"
        ) from error
    except NO_ANSWER as error:
        raise RetryableError(
            f"{what}: no whole answer after {tries} tries ({_one_line(error)}); check the network and "
            "AWS_ENDPOINT_URL; the same command goes on where it stopped"
        ) from error
    except BotoCoreError as error:
        raise ConfigError(f"{what}: {_one_line(error)}") from error


def _explained(what: str, bucket: str, tries: int, error: ClientError) -> Exception:
    """Our error for one that S3 answered."""
    details = error.response.get("Error", {})
    code, status = details.get("Code", ""), error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    answer = f"{code}: {details['Message']}" if details.get("Message") else code
    if code in _MISSING:
        return FileNotFoundError(what)
    if code in _CHANGED:
        return ChangedMeanwhile(f"{what}: it was changed at the same moment; run the same command again")
    if code == "InvalidRange":
        return EmptyFile(f"{what}: it is empty")
    if code in _EXPIRED:
        return SourceError(
            f"{what}: the AWS credentials have expired; log in again and run the same command, it goes on where it "
            "stopped"
        )
    if code in _UNKNOWN:
        return ConfigError(f"{what}: AWS does not accept the credentials ({code}); log in again")
    if code in _FORBIDDEN:
        return SourceError(
            f"{what}: these credentials may not do that ({answer}); the rights that are needed stand in cluster/iam/"
        )
    if code == "NoSuchBucket":
        return SourceError(f"{what}: there is no bucket '{bucket}'; create it, or correct --root")
    if code in _WRONG_REGION:
        return ConfigError(f"{what}: the bucket is in another region ({answer}); set AWS_REGION to it")
    if code == "NotImplemented":
        return ConfigError(f"{what}: this store cannot do that ({answer}); ROOT needs S3's conditional writes")
    if status >= 500 or code in _BUSY:
        return RetryableError(
            f"{what}: S3 was busy or failed {tries} times ({answer}); the same command goes on where it stopped"
        )
    return SourceError(f"{what}: {answer}")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
