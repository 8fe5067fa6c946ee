-- What was said in these transcripts, turn by turn; `number` is the place of the transcript in the list that was asked.
-- A transcript may stand in the list twice, under two companies: its turns then come twice.
-- professionals: Capital IQ's people with their titles, or an empty table where this account may not read it.
SELECT DISTINCT ON (call.number, c.componentorder, c.transcriptcomponentid)  -- one row a turn, whatever is joined
  call.number::int AS number, c.transcriptcomponentid::bigint AS component_id,
  c.componentorder::int AS component_order, c.transcriptcomponenttypeid::int AS component_type_id,
  p.transcriptcomponenttypename AS component_type, p.speakertypename AS speaker_type,
  p.transcriptpersonname AS person, pro.title, p.companyofperson AS person_company, c.componenttext AS text
FROM unnest(%(transcriptids)s::bigint[]) WITH ORDINALITY AS call (transcriptid, number)
JOIN {transcripts}.ciqtranscriptcomponent c ON c.transcriptid = call.transcriptid
LEFT JOIN {transcripts}.wrds_transcript_person p
  ON p.transcriptcomponentid = c.transcriptcomponentid AND p.transcriptid = c.transcriptid
LEFT JOIN {professionals} pro ON pro.proid = p.proid
ORDER BY call.number, c.componentorder, c.transcriptcomponentid, p.transcriptpersonname, pro.title
