"""What is fetched from WRDS before the store is made."""

import pyarrow as pa

from ftm_ray.schemas.columns import required

#: The earnings calls that WRDS lists for a quarter, fetched or left out: which version was read, and how it is linked.
WRDS_CALLS = pa.schema(
    [
        required("companyid", pa.int64()),
        pa.field("companyname", pa.string()),
        required("keydevid", pa.int64()),  # the call
        required("transcriptid", pa.int64()),  # the version of its transcript that is read
        pa.field("headline", pa.string()),
        required("call_date", pa.date32()),  # in UTC
        pa.field("call_time_utc", pa.string()),
        pa.field("collection_type", pa.string()),
        pa.field("presentation_type", pa.string()),  # Final or Preliminary
        pa.field("version_date", pa.date32()),
        pa.field("gvkey", pa.string()),
        pa.field("permno", pa.int64()),
        pa.field("linktype", pa.string()),
        pa.field("linkprim", pa.string()),
        required("n_link", pa.int32()),  # links that hold on the day; over 1: one was chosen by rule
        pa.field("left_out", pa.string()),  # null = its text is fetched; else why not
    ]
)

#: What was said in them, as WRDS has it.
WRDS_TURNS = pa.schema(
    [
        required("call", pa.int32()),  # row of the call in the table above
        required("component_id", pa.int64()),
        pa.field("component_order", pa.int32()),
        pa.field("component_type_id", pa.int32()),
        pa.field("component_type", pa.string()),
        pa.field("speaker_type", pa.string()),
        pa.field("person", pa.string()),
        pa.field("title", pa.string()),  # the person's at their firm; null where unknown or not to be read
        pa.field("person_company", pa.string()),
        pa.field("text", pa.string()),
    ]
)
