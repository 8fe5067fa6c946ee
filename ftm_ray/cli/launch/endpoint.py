"""What --llm, --a and --b of `ftm` may be."""

from urllib.parse import urlsplit

from ftm_ray.config import LlmSettings
from ftm_ray.errors import ConfigError


def checked_endpoint(settings: LlmSettings, flag: str) -> LlmSettings:
    """The same settings, where the endpoint is none, serve, a URL, or not said.

    Raises:
        ConfigError: It is something else; `flag` is the option that gives it.
    """
    endpoint = settings.endpoint
    if endpoint in (None, "none", "serve"):
        return settings
    try:
        parts = urlsplit(endpoint)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        is_url = False
    if not is_url:
        raise ConfigError(f"{flag} {endpoint}: expected none, serve, or a URL such as http://localhost:8000/v1")
    return settings
