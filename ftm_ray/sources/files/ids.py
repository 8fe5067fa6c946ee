"""The list of transcript ids that --ids names."""

import json

from ftm_ray.errors import ConfigError
from ftm_ray.sources.values import id_value


def read_ids(argument: str) -> frozenset[str]:
    """The transcript ids of a JSON file, or of one key of it.

    Raises:
        ConfigError: The file is missing, is not JSON, or holds no list there.
    """
    path, key = argument, None
    if ".json:" in argument:
        path, _, key = argument.rpartition(":")
    try:
        with open(path, encoding="utf-8-sig") as stream:
            value = json.load(stream)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read the list of ids {path}: {error}") from error
    if isinstance(value, dict):
        if key not in value:
            raise ConfigError(f"{path} holds the lists {', '.join(value)}; choose one with --ids {path}:NAME")
        value = value[key]
    if not isinstance(value, list):
        raise ConfigError(f"{argument} must be a list of transcript ids, got {type(value).__name__}")
    return frozenset(text for item in value if (text := id_value(item, argument, "the list of ids")))
