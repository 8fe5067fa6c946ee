"""The queries on a real PostgreSQL over the stand-in tables, row for row, and every way in which a login can fail."""

import socket
import threading
from datetime import date

import pytest
from standin import LONG_TEXT, ODD_TEXT

from ftm_ray.errors import SourceError
from ftm_ray.sources.wrds import database as wrds_database
from ftm_ray.sources.wrds.calls import SCHEMAS
from ftm_ray.sources.wrds.database import connect

#: Columns of turns.sql.
NUMBER, ORDER, TYPE_ID, TYPE, SPEAKER_TYPE, PERSON, TITLE, TEXT = 0, 2, 3, 4, 5, 6, 7, 9

JAN, APRIL, JULY = date(2023, 1, 1), date(2023, 4, 1), date(2023, 7, 1)


@pytest.fixture
def database(wrds_cases):
    with connect("postgres", SCHEMAS, None) as database:
        database.check_readable()
        yield database


def listed(calls, *names):
    return [tuple(getattr(call, name) for name in names) for call in calls]


def test_every_call_of_the_quarter_is_listed_once_with_version_and_link(database):
    expected = [
        # companyid, keydevid, transcriptid, gvkey, permno, n_link
        (1001, 501, 13, "001001", 10001, 1),  # newest Final, though a Preliminary is newer still
        (1002, 502, 21, "001002", 10002, 1),
        (1002, 503, 22, "001002", 10002, 1),
        (1003, 504, 31, "003001", 10003, 1),  # the gvkey of the day of the call
        (1003, 505, 32, "003002", 10003, 1),
        (1004, 506, 41, None, None, 0),
        (1005, 507, 51, "005005", 10005, 2),  # primary share class
        (1006, 508, 61, "006002", 10062, 2),  # researched link before a newer unresearched one
        (1007, 509, 71, "001007", 10007, 1),  # 23:30 UTC on the last day; 00:30 of the next is not here
        (1008, 512, 81, "001008", 10008, 1),  # 1009 only spoke at a conference
        (1010, 514, 101, "001010", 10010, 1),
        (1011, 511, 111, "011011", None, 1),  # the link ended in 2020
        (1012, 515, 121, "012012", 10012, 1),
        (1012, 516, 122, "012012", 10013, 1),
        (1014, 517, 141, "001014", 10014, 1),
    ]
    calls = database.calls(JAN, APRIL, None)
    assert listed(calls, "companyid", "keydevid", "transcriptid", "gvkey", "permno", "n_link") == expected
    assert all(call.left_out is None for call in calls)


def test_what_is_said_of_a_call(database):
    call = next(call for call in database.calls(JAN, APRIL, None) if call.keydevid == 509)
    assert (call.companyname, call.call_date, call.call_time_utc) == ("Late Call Corp.", date(2023, 3, 31), "23:30:00")
    assert (call.collection_type, call.presentation_type) == ("Audited Copy", "Final")
    assert (call.version_date, call.linktype, call.linkprim) == (date(2023, 3, 31), "LC", "P")


def test_the_next_quarter_begins_after_midnight_utc(database):
    assert listed(database.calls(APRIL, JULY, None), "keydevid") == [(510,)]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (date(2023, 2, 9), []),
        (date(2023, 2, 11), [(11, "Preliminary")]),  # nothing Final yet
        (date(2023, 2, 12), [(12, "Final")]),
        (date(2023, 3, 1), [(13, "Final")]),
        (date(2030, 1, 1), [(13, "Final")]),
    ],
)
def test_a_past_state_can_be_had_again(database, as_of, expected):
    calls = [call for call in database.calls(JAN, APRIL, as_of) if call.companyid == 1001]
    assert listed(calls, "transcriptid", "presentation_type") == expected


def rows(database, *transcriptids):
    return [row for batch in database.turns(transcriptids) for row in batch]


def test_turns_come_row_for_row_in_the_order_asked(database):
    turns = rows(database, 81, 13, 999)
    columns = (NUMBER, ORDER, TYPE_ID, TYPE, SPEAKER_TYPE, PERSON, TEXT)
    assert [tuple(row[column] for column in columns) for row in turns] == [
        (1, 0, 1, "Presentation Operator Message", "Operator", "Operator", "Good day and welcome."),
        (1, 1, 2, "Presenter Speech", "Executives", "Jo Chief - Chief Executive Officer & Director", "Thank you all."),
        (1, 2, 2, "Presenter Speech", "Executives", "Ann Fin, CFO", "Revenue rose."),
        (1, 3, 2, "Presenter Speech", "Executives", "Max Other-Name", "We hired."),
        (1, 4, 2, "Presenter Speech", "Executives", "Flo Tables", "Costs fell."),
        (1, 5, 2, "Presenter Speech", "Executives", "Asa Sistant", "Guidance is next."),
        (1, 6, 3, "Question", "Analysts", "Al Yst", "What about margins?"),
        (1, 7, 4, None, None, None, "They rose."),
        (1, 8, 7, None, None, None, "Next question."),
        (1, 9, 3, "Question", "Analysts", "Al Yst", "   "),
        (2, 0, 2, "Presenter Speech", "Executives", "Pat Lee", "Third version."),
        (2, 1, 2, "Presenter Speech", "Executives", "Pat Lee", "It goes on."),
    ]


def test_odd_and_long_texts_arrive_to_the_letter(database):
    assert [row[TEXT] for row in rows(database, 101)] == [ODD_TEXT, LONG_TEXT]


def test_a_transcript_of_two_companies_comes_for_each(database):
    assert [row[0] for row in rows(database, 21, 22, 21)] == [1, 2, 3]


def test_rows_are_counted_without_fetching_them(database):
    assert database.n_turns([81, 13, 999]) == 12


def test_text_comes_in_batches(database, monkeypatch):
    monkeypatch.setattr(wrds_database, "ROWS_PER_BATCH", 3)
    assert [len(batch) for batch in database.turns([81, 13])] == [3, 3, 3, 3]


# --- what may be read ----------------------------------------------------------------------------------------------


def test_everything_readable_says_nothing(database):
    assert database.check_readable() is None


def test_without_the_titles_a_fetch_goes_on_and_says_so(wrds_cases):
    """They belong to another subscription."""
    wrds_cases.execute("ALTER TABLE ciq.ciqprofessional SET SCHEMA crsp")
    try:
        with connect("postgres", SCHEMAS, None) as database:
            assert "no table ciqprofessional; ciqprofessional is in: crsp" in database.check_readable()
            assert titles(database) == {None}
        with connect("postgres", {**SCHEMAS, "titles": "crsp"}, None) as database:
            assert database.check_readable() is None
            assert "Vice President, Office of the CEO" in titles(database)
        nowhere = {**SCHEMAS, "titles": "ciq_pplintel"}
        with (
            connect("postgres", nowhere, None) as database,
            pytest.raises(SourceError, match="no schema ciq_pplintel"),
        ):
            database.check_readable()  # asked for by name, so it is not done without
    finally:
        wrds_cases.execute("ALTER TABLE crsp.ciqprofessional SET SCHEMA ciq")


def titles(database) -> set[str | None]:
    return {row[TITLE] for row in rows(database, 81)}


@pytest.mark.parametrize(
    ("schemas", "message"),
    [
        ({"links": "crsp_a_ccm"}, "there is no schema crsp_a_ccm; ccmxpf_lnkhist is in: crsp. .*--schema links=NAME"),
        ({"transcripts": "crsp"}, "the schema crsp has no table wrds_transcript_detail; .* is in: ciq"),
        ({"gvkey": 'x"; DROP SCHEMA ciq; --'}, "there is no schema x"),
    ],
)
def test_an_unknown_schema_says_where_the_table_is(wrds_cases, schemas, message):
    with connect("postgres", {**SCHEMAS, **schemas}, None) as database, pytest.raises(SourceError, match=message):
        database.check_readable()


def test_an_account_that_may_list_but_not_read_is_told_before_anything_is_asked(wrds_cases):
    wrds_cases.execute(
        "DROP ROLE IF EXISTS guest",
        "CREATE ROLE guest LOGIN",
        "GRANT USAGE ON SCHEMA ciq, crsp TO guest",
        "GRANT SELECT ON ALL TABLES IN SCHEMA ciq, crsp TO guest",
        "REVOKE SELECT ON ciq.ciqtranscriptcomponent FROM guest",
    )
    with connect("guest", SCHEMAS, None) as database:
        with pytest.raises(SourceError, match=r"may not read ciq.ciqtranscriptcomponent; ask your WRDS representative"):
            database.check_readable()
        with pytest.raises(SourceError, match="that is needed .permission denied for table ciqtranscriptcomponent"):
            rows(database, 13)
    wrds_cases.execute(
        "REVOKE ALL ON ALL TABLES IN SCHEMA ciq, crsp FROM guest", "REVOKE ALL ON SCHEMA ciq, crsp FROM guest"
    )
    with connect("guest", SCHEMAS, None) as database, pytest.raises(SourceError, match="wrds_transcript_detail"):
        database.check_readable()
    wrds_cases.execute("DROP ROLE guest")


def test_a_table_that_has_changed_is_said_to_have(wrds_cases):
    wrds_cases.execute("ALTER TABLE crsp.ccmxpf_lnkhist RENAME linkprim TO prim")
    try:
        with connect("postgres", SCHEMAS, None) as database, pytest.raises(SourceError, match="linkprim"):
            database.calls(JAN, APRIL, None)
    finally:
        wrds_cases.execute("ALTER TABLE crsp.ccmxpf_lnkhist RENAME prim TO linkprim")


def test_a_lost_connection_says_that_the_same_command_goes_on(database, wrds_cases, monkeypatch):
    monkeypatch.setattr(wrds_database, "ROWS_PER_BATCH", 1)
    turns = database.turns([81])
    next(turns)
    wrds_cases.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ftm-ray'")
    with pytest.raises(SourceError, match=r"connection was lost while fetching text .*fetches only what is missing"):
        list(turns)


# --- logging in ----------------------------------------------------------------------------------------------------

SECRET = "correct-horse-battery"


@pytest.fixture
def person(wrds_cases, monkeypatch):
    """A user with a password, which libpq finds nowhere."""
    monkeypatch.setenv("PGPASSFILE", "/nonexistent/pgpass")
    wrds_cases.execute("DROP ROLE IF EXISTS jroe", f"CREATE ROLE jroe LOGIN PASSWORD '{SECRET}'")
    with wrds_cases.login_rule("local all jroe scram-sha-256"):
        yield "jroe"
    wrds_cases.execute("DROP ROLE jroe")


def login_error(user, ask_password=None) -> str:
    """The one sentence of a login that fails; it holds neither the user nor a password, nor does what caused it."""
    with pytest.raises(SourceError) as caught:
        connect(user, SCHEMAS, ask_password)
    everything = f"{caught.value!r} {caught.value.__cause__!r}"
    assert user not in everything
    assert SECRET not in everything
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_password_comes_from_the_environment(person, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", SECRET)
    connect(person, SCHEMAS, None).close()


def test_the_password_comes_from_pgpass(person, tmp_path, monkeypatch):
    pgpass = tmp_path / "pgpass"
    pgpass.write_text(f"*:*:*:{person}:{SECRET}\n")
    pgpass.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(pgpass))
    connect(person, SCHEMAS, None).close()


def test_the_password_is_asked_for_once_where_none_is_stored(person):
    connect(person, SCHEMAS, lambda: SECRET).close()
    asked = []
    login_error(person, lambda: asked.append(1) or "wrong")
    assert asked == [1]


def test_no_password_and_nobody_to_ask(person):
    assert "put it into ~/.pgpass or PGPASSWORD" in login_error(person)


def test_a_wrong_password_is_tried_once(person, wrds_cases, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", SECRET + "x")
    line = login_error(person)
    assert "refused the login (password authentication failed for user this user): either the password is wrong" in line


def test_an_unknown_user_is_refused(wrds_cases):
    assert "refused the connection (role this user does not exist)" in login_error("nobody_here")


def test_a_host_that_is_not_there(monkeypatch):
    monkeypatch.setenv("PGHOST", "wrds.invalid")
    assert "cannot find wrds.invalid" in login_error("jroe")


def test_a_closed_port(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PGPORT", str(free.getsockname()[1]))
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    assert "is the port open to this machine?" in login_error("jroe")


def test_a_server_without_tls_gets_no_password(monkeypatch):
    """It answers N to the question for TLS, as PostgreSQL without it does; nothing else may be sent to it."""
    received = []

    def answer(listener):
        for _ in range(2):  # the look whether the host is there, and the login
            with listener.accept()[0] as client:
                while data := client.recv(4096):
                    received.append(data)
                    client.sendall(b"N")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        monkeypatch.setenv("PGHOST", "127.0.0.1")
        monkeypatch.setenv("PGPORT", str(listener.getsockname()[1]))
        monkeypatch.setenv("PGPASSWORD", SECRET)
        monkeypatch.setenv("PGSSLMODE", "disable")  # set for another server, perhaps
        line = login_error("jroe")
        thread.join()
    assert "SSL" in line
    assert [len(data) for data in received] == [8]  # the question for TLS


def test_without_other_words_it_is_wrds_with_tls(monkeypatch):
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGSSLMODE", "PGCONNECT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    parameters = wrds_database._parameters("jroe")
    assert (parameters["host"], parameters["port"]) == ("wrds-pgdata.wharton.upenn.edu", "9737")
    assert (parameters["dbname"], parameters["sslmode"], parameters["connect_timeout"]) == ("wrds", "require", "90")
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert wrds_database._parameters("jroe")["sslmode"] == "verify-full"
    assert "password" not in parameters
