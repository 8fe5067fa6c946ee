"""Which column of a file holds what: recognised by its name, or named by the user."""

from collections.abc import Collection, Mapping

from ftm_ray.errors import ConfigError
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.rows import column_names

#: Names under which a column is looked for, best first; upper and lower case are the same. WRDS names included.
COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "firm_id": ("firm_id", "companyid", "company_id", "ticker", "symbol", "gvkey", "permno"),
    "firm_name": ("firm_name", "companyname", "company_name", "company", "conm", "name"),
    "ticker": ("ticker", "symbol", "tic"),
    "transcript_id": ("transcript_id", "transcriptid", "keydevid", "call_id", "event_id"),
    "call_date": ("call_date", "mostimportantdateutc", "date", "event_date"),
    "position": ("position", "componentorder", "turn"),
    "speaker_name": ("speaker_name", "transcriptpersonname", "person", "speaker"),
    "speaker_type": ("speaker_type", "speakertypename", "speakertype", "role"),
    "section": ("section", "transcriptcomponenttypename", "componenttype"),
    "text": ("text", "componenttext", "transcript", "content", "body"),
    "permno": ("permno", "lpermno"),
    "gvkey": ("gvkey",),
    "link_date": ("link_date",),
}
NECESSARY_COLUMNS = ("firm_id", "call_date", "text")


def match_columns(
    file: InputFile, overrides: Mapping[str, str], necessary: Collection[str] = NECESSARY_COLUMNS
) -> dict[str, str]:
    """Find which column of a file holds what.

    Args:
        file: The file to look into.
        overrides: Our name to the file's name, as given by the user.
        necessary: Columns that must be there.

    Returns:
        Our name to the file's name, for those that are there.

    Raises:
        ConfigError: An override names a column that is not ours or not in the file, or a necessary one is missing.
    """
    found = column_names(file)
    by_lower = {name.lower(): name for name in reversed(found)}
    unknown = sorted(set(overrides) - set(COLUMN_NAMES))
    if unknown:
        raise ConfigError(f"--column {unknown[0]}=...: no such column; choose from {', '.join(COLUMN_NAMES)}")
    matched = {}
    for ours, names in COLUMN_NAMES.items():
        wanted = (overrides[ours],) if ours in overrides else names
        theirs = next((by_lower[name.lower()] for name in wanted if name.lower() in by_lower), None)
        if theirs is not None:
            matched[ours] = theirs
        elif ours in overrides or ours in necessary:
            raise ConfigError(
                f"{file.path} has no column for '{ours}': looked for {', '.join(wanted)}; it has {', '.join(found)}. "
                f"Say which one it is with --column {ours}=NAME"
            )
    return matched
