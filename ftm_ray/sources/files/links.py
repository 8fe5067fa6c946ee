"""The link file: which stock (PERMNO) a firm of your own files is."""

from dataclasses import dataclass
from datetime import date

from ftm_ray.errors import SourceError
from ftm_ray.sources.files.columns import match_columns
from ftm_ray.sources.files.paths import InputFile
from ftm_ray.sources.files.rows import read_rows
from ftm_ray.sources.values import date_value, gvkey_value, id_value, integer_value


@dataclass(frozen=True, slots=True)
class Link:
    """The stock of a firm, and the day on which the link was looked up."""

    permno: int | None
    gvkey: str | None
    link_date: date | None


def read_links(file: InputFile) -> dict[str, Link]:
    """The link of each firm.

    Raises:
        SourceError: A firm has two different links; which holds on the day of the call is not ours to guess.
    """
    columns = match_columns(file, {}, ("firm_id", "permno"))
    links: dict[str, Link] = {}
    for number, raw in read_rows(file, columns):
        where = f"{file.path}, row {number}"
        firm_id = id_value(raw.get("firm_id"))
        link = Link(
            permno=integer_value(raw.get("permno"), where, "permno"),
            gvkey=gvkey_value(raw.get("gvkey")),
            link_date=date_value(raw.get("link_date"), where, "link_date"),
        )
        if firm_id is None:
            continue
        if links.setdefault(firm_id, link) != link:
            raise SourceError(f"{where}: another link for firm {firm_id} than in a row before; keep one row per firm")
    return links
