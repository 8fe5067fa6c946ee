-- The earnings calls of a quarter: one row per company and call, with the transcript version to read and its link.
-- start: first day; end: first day of the NEXT quarter; as_of: null, or a day after which versions are not looked at.
-- Days are UTC, as Capital IQ has them: a call at 23:30 UTC on 31 March belongs to the first quarter.
WITH version AS (
  -- A transcript is published about three times (spellchecked, edited, proofed): Final before Preliminary, then newest.
  SELECT DISTINCT ON (td.companyid, td.keydevid)
    td.companyid::bigint AS companyid, td.companyname, td.keydevid::bigint AS keydevid,
    td.transcriptid::bigint AS transcriptid, td.headline,
    td.mostimportantdateutc::date AS call_date, td.mostimportanttimeutc::text AS call_time_utc,
    td.transcriptcollectiontypename AS collection_type, td.transcriptpresentationtypename AS presentation_type,
    td.transcriptcreationdate_utc::date AS version_date
  FROM {transcripts}.wrds_transcript_detail td
  WHERE td.keydeveventtypeid = 48  -- earnings calls
    AND td.companyid IS NOT NULL
    AND td.mostimportantdateutc >= %(start)s::date AND td.mostimportantdateutc < %(end)s::date
    AND (%(as_of)s::date IS NULL OR td.transcriptcreationdate_utc <= %(as_of)s::date)
  ORDER BY td.companyid, td.keydevid, (td.transcriptpresentationtypename = 'Final') DESC NULLS LAST,
    td.transcriptcreationdate_utc DESC NULLS LAST, td.transcriptcreationtime_utc DESC NULLS LAST, td.transcriptid DESC
),
candidate AS (
  -- Every gvkey, and every PERMNO of it, that holds on the day of the call.
  SELECT v.companyid, v.keydevid, g.gvkey, l.lpermno::bigint AS permno, l.linktype, l.linkprim,
    l.linkdt::date AS linkdt, g.startdate
  FROM version v
  JOIN {gvkey}.wrds_gvkey g ON g.companyid = v.companyid AND g.gvkey IS NOT NULL
    AND v.call_date BETWEEN COALESCE(g.startdate, DATE '1900-01-01') AND COALESCE(g.enddate, DATE '9999-12-31')
  LEFT JOIN {links}.ccmxpf_lnkhist l ON l.gvkey = g.gvkey AND l.lpermno IS NOT NULL
    AND l.linktype IN ('LU', 'LC') AND l.linkprim IN ('P', 'C')
    AND v.call_date BETWEEN l.linkdt AND COALESCE(l.linkenddt, DATE '9999-12-31')
),
link AS (
  -- One of them by rule, so that it is the same each time: with PERMNO, primary share, researched link, newest.
  SELECT DISTINCT ON (companyid, keydevid) companyid, keydevid, gvkey, permno, linktype, linkprim,
    count(*) OVER (PARTITION BY companyid, keydevid) AS n_link
  FROM candidate
  ORDER BY companyid, keydevid, (permno IS NULL), (linkprim = 'P') DESC NULLS LAST, (linktype = 'LC') DESC NULLS LAST,
    linkdt DESC NULLS LAST, startdate DESC NULLS LAST, gvkey, permno
)
SELECT v.*, k.gvkey, k.permno, k.linktype, k.linkprim, COALESCE(k.n_link, 0)::int AS n_link
FROM version v
LEFT JOIN link k ON k.companyid = v.companyid AND k.keydevid = v.keydevid
ORDER BY v.companyid, v.call_date, v.keydevid
