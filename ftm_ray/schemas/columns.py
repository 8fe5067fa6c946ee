"""What the tables share: required columns, the columns of a firm, and the check at a boundary."""

import pyarrow as pa

from ftm_ray.errors import SourceError

#: HDBSCAN's mark for a sentence or topic that belongs to no cluster.
OUTLIER_TOPIC_ID = -1


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column without nulls."""
    return pa.field(name, kind, nullable=False)


#: Columns that files written before 0.2 do not have.
LATER_COLUMNS = (
    "call_time",
    "earnings_call_time",
    "word_support",
    "unsupported",
    "support",
    "kind",
    "stability_seeds",
    "stability_firms",
    "stability",
    "group_id",
    "group_label",
    "support_model_p",
    "theme_label",
    "quarter_label",
    "naming",
    "label_quarter",
    "label_cosine",
    "is_near",
)

EMBEDDING = pa.list_(pa.float32())


FIRM = [
    required("firm_id", pa.string()),
    pa.field("firm_name", pa.string()),
    pa.field("permno", pa.int64()),
    pa.field("gvkey", pa.string()),
    pa.field("link_date", pa.date32()),
    required("quarter", pa.string()),
    required("n_calls", pa.int32()),
]


def with_later_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Files of earlier versions lack columns that came later: null, as nobody knew then. Others stay missing."""
    for field in schema:
        if field.name not in table.column_names and field.nullable and field.name in LATER_COLUMNS:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names) if set(table.column_names) == set(schema.names) else table


def check_table(table: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """Return the table if it has exactly this schema and no null where none is allowed.

    Raises:
        SourceError: A column is missing, too many, of another type, or null where it must not be.
    """
    if table.schema.names != schema.names:
        raise SourceError(f"{where}: expected the columns {schema.names}, got {table.schema.names}")
    for field in schema:
        column = table.column(field.name)
        if column.type != field.type:
            raise SourceError(f"{where}: column '{field.name}' is {column.type}, expected {field.type}")
        if not field.nullable and column.null_count:
            raise SourceError(f"{where}: column '{field.name}' has {column.null_count} nulls, expected none")
    return table
