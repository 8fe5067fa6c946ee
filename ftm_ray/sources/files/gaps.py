"""The column that was taken by its name may be empty where another one is not: then a person has to say which."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ftm_ray.errors import ConfigError
from ftm_ray.sources.files.columns import Columns
from ftm_ray.sources.values import id_value


def other_name(ours: str, theirs: str) -> str:
    """The name under which another column for the same thing is read beside the chosen one."""
    return f"{ours}?{theirs}"


@dataclass(slots=True)
class Gaps:
    """Counts, over the rows of one file, of values that are not there.

    Attributes:
        path: The file.
        columns: What was recognised in it.
        n_rows: Rows seen, by our column.
        n_missing: Rows without a value, by the name under which the column is read.
    """

    path: str
    columns: Columns
    n_rows: Counter[str] = field(default_factory=Counter)
    n_missing: Counter[str] = field(default_factory=Counter)

    def see(self, raw: Mapping[str, Any], names: Collection[str], missing: Collection[str]) -> None:
        """Count one row.

        Args:
            raw: Its values, those of other columns under `other_name`.
            names: Our columns that can be judged by this row.
            missing: Those of them that have no value.
        """
        for ours in names:
            others = self.columns.others.get(ours, ())
            if not others:
                continue
            self.n_rows[ours] += 1
            self.n_missing[ours] += ours in missing
            for theirs in others:
                self.n_missing[other_name(ours, theirs)] += _is_nothing(raw.get(other_name(ours, theirs)))

    def check(self) -> None:
        """Stop where the chosen column has gaps and another one for the same thing has none.

        Raises:
            ConfigError: So it is; says which two columns these are, and the flag for either.
        """
        for ours, others in self.columns.others.items():
            n_missing, n_rows, theirs = self.n_missing[ours], self.n_rows[ours], self.columns.by_ours[ours]
            whole = [name for name in others if n_rows and self.n_missing[other_name(ours, name)] == 0]
            is_hole = n_missing == n_rows if ours == "text" else n_missing > 0  # a turn without text is nothing odd
            if n_rows and is_hole and whole:
                raise ConfigError(
                    f"{self.path}: the column {theirs} is taken as '{ours}', and is empty in {n_missing:,} of "
                    f"{n_rows:,} rows; {whole[0]} has no gap. Say --column {ours}={whole[0]}, or --column "
                    f"{ours}={theirs} if those rows may be left out"
                )


def _is_nothing(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and id_value(value) is None) or value == []
