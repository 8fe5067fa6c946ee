-- What was said in these transcripts, turn by turn; `number` is the place of the transcript in the list that was asked.
-- A transcript may stand in the list twice, under two companies: its turns then come twice.
SELECT call.number::int AS number, c.transcriptcomponentid::bigint AS component_id,
  c.componentorder::int AS component_order, c.transcriptcomponenttypeid::int AS component_type_id,
  p.transcriptcomponenttypename AS component_type, p.speakertypename AS speaker_type,
  p.transcriptpersonname AS person, p.companyofperson AS person_company, c.componenttext AS text
FROM unnest(%(transcriptids)s::bigint[]) WITH ORDINALITY AS call (transcriptid, number)
JOIN {transcripts}.ciqtranscriptcomponent c ON c.transcriptid = call.transcriptid
LEFT JOIN {transcripts}.wrds_transcript_person p
  ON p.transcriptcomponentid = c.transcriptcomponentid AND p.transcriptid = c.transcriptid
ORDER BY call.number, c.componentorder, c.transcriptcomponentid
