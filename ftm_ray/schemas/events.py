"""The tables of an event study, and of the sentiment that it takes."""

import pyarrow as pa

from ftm_ray.schemas.columns import required

#: One row per call that speaks of a theme, used or not. `reason` is null exactly where the event is used.
EVENTS = pa.schema(
    [
        required("event_id", pa.string()),
        required("quarter", pa.string()),
        required("firm_id", pa.string()),
        pa.field("firm_name", pa.string()),
        pa.field("permno", pa.int64()),
        pa.field("gvkey", pa.string()),
        required("transcript_id", pa.string()),
        required("call_date", pa.date32()),
        pa.field("call_time_utc", pa.timestamp("us", tz="UTC")),
        pa.field("day0", pa.date32()),
        pa.field("day0_rule", pa.string()),
        pa.field("n_est", pa.int32()),
        pa.field("alpha", pa.float64()),
        pa.field("betas", pa.list_(pa.float64())),
        pa.field("sigma", pa.float64()),
        pa.field("reason", pa.string()),
    ]
)

#: One row per used event and window.
EVENT_WINDOWS = pa.schema(
    [
        required("event_id", pa.string()),
        required("event_window", pa.string()),
        required("n_days", pa.int32()),
        required("car", pa.float64()),
        required("bhar", pa.float64()),
        required("car_se", pa.float64()),
        required("scar", pa.float64()),
    ]
)

#: One row per event and theme that it speaks of.
EVENT_THEMES = pa.schema(
    [
        required("event_id", pa.string()),
        required("theme_uid", pa.string()),
        required("theme_name", pa.string()),
        required("n_sentences", pa.int32()),
        required("exposure", pa.float64()),
        pa.field("sentiment", pa.float64()),
        required("knowledge_time", pa.timestamp("us", tz="UTC")),
    ]
)

#: One row per group of events (all, or a theme's) and window: the table that a referee expects.
EVENT_MEANS = pa.schema(
    [
        required("event_group", pa.string()),
        pa.field("theme_name", pa.string()),
        required("event_window", pa.string()),
        required("n_events", pa.int32()),
        required("n_event_days", pa.int32()),
        pa.field("mean_car", pa.float64()),
        pa.field("median_car", pa.float64()),
        pa.field("mean_bhar", pa.float64()),
        pa.field("positive_ratio", pa.float64()),
        pa.field("t_cross_section", pa.float64()),
        pa.field("patell", pa.float64()),
        pa.field("bmp", pa.float64()),
        pa.field("kolari_pynnonen", pa.float64()),
        pa.field("mean_correlation", pa.float64()),
        pa.field("sign", pa.float64()),
        pa.field("generalized_sign", pa.float64()),
        pa.field("rank", pa.float64()),
        pa.field("t_two_way", pa.float64()),
        pa.field("t_bhar", pa.float64()),
    ]
)

#: One row per group and day from day 0: the mean CAR from the first day of the longest window on.
EVENT_PATHS = pa.schema(
    [
        required("event_group", pa.string()),
        required("day", pa.int32()),
        required("n_events", pa.int32()),
        required("mean_ar", pa.float64()),
        required("mean_car", pa.float64()),
        pa.field("car_low", pa.float64()),
        pa.field("car_high", pa.float64()),
    ]
)

#: One row per regression and variable; errors clustered by firm and day 0.
EVENT_REGRESSIONS = pa.schema(
    [
        required("event_group", pa.string()),
        required("event_window", pa.string()),
        required("specification", pa.string()),
        required("variable", pa.string()),
        required("coefficient", pa.float64()),
        required("std_error", pa.float64()),
        pa.field("t", pa.float64()),
        required("n_events", pa.int32()),
    ]
)

#: One row per sort, weighting and tercile (1 = lowest, 3 = highest, 3-1 = the difference); per trading day.
EVENT_PORTFOLIOS = pa.schema(
    [
        required("event_group", pa.string()),
        required("sorted_by", pa.string()),
        required("weights", pa.string()),
        required("tercile", pa.string()),
        required("n_days", pa.int32()),
        required("mean_n_stocks", pa.float64()),
        required("mean_return", pa.float64()),
        required("alpha", pa.float64()),
        required("std_error", pa.float64()),
        pa.field("t", pa.float64()),
    ]
)

#: Every table of a study, by the name of its file.
EVENT_STUDY = {
    "events": EVENTS,
    "event_windows": EVENT_WINDOWS,
    "event_themes": EVENT_THEMES,
    "event_means": EVENT_MEANS,
    "event_paths": EVENT_PATHS,
    "event_regressions": EVENT_REGRESSIONS,
    "event_portfolios": EVENT_PORTFOLIOS,
}

#: What `ftm events --sentiment` takes: one row per theme, firm, call and speaker group; score = mean of p_pos - p_neg.
GIVEN_SENTIMENT = pa.schema(
    [
        pa.field("theme_uid", pa.string()),
        required("theme_id", pa.string()),
        required("firm_id", pa.string()),
        required("transcript_id", pa.string()),
        pa.field("speaker_group", pa.string()),
        required("score", pa.float64()),
        pa.field("score_std", pa.float64()),
        required("n_sentences", pa.int32()),
        pa.field("knowledge_time", pa.timestamp("us", tz="UTC")),
        pa.field("lm_score", pa.float64()),
        pa.field("n_words", pa.int64()),
    ]
)
