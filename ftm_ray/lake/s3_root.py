"""`s3://bucket/prefix?sse=...` as a person writes it -> the files there."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from ftm_ray.errors import ConfigError

if TYPE_CHECKING:
    from ftm_ray.lake.s3_files import S3Files


def s3_files(root: str) -> tuple["S3Files", str]:
    """The files of `s3://bucket/prefix`, and ROOT as messages show it. `?sse=` says how S3 encrypts what is written."""
    parts = urlsplit(root)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.netloc or parts.fragment or set(options) - {"sse"}:
        raise ConfigError(
            f"ROOT '{root}': expected s3://bucket/prefix, and nothing behind it but ?sse=AES256 or aws:kms"
        )
    from ftm_ray.lake.s3_files import S3Files  # loads boto3, which a local folder does not need

    prefix = parts.path.strip("/")
    shown = f"s3://{parts.netloc}/{prefix}".rstrip("/")
    return S3Files(parts.netloc, prefix, options.get("sse")), shown
