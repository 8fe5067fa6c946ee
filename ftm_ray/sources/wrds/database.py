"""The one connection to WRDS: log in once, see that everything may be read, list calls, stream what was said.

Each login costs the user a push on the phone (Duo), so there is exactly one: the host is tried before anything is
sent, a refused login is not repeated, and nothing reconnects by itself. libpq reads PGHOST, PGUSER, PGPASSWORD and
~/.pgpass; a password is never in our hands unless it was typed. PostgreSQL tells a client why a login failed in
words only, in the server's language; what decides here are libpq's own flags and the types of errors, and the
server's words are passed on.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from types import TracebackType
from typing import Any, cast

import psycopg
from psycopg import errors, sql
from psycopg.rows import class_row

from ftm_ray.errors import SourceError
from ftm_ray.sources.wrds.calls import CALLS_SQL, SCHEMAS, TURNS_SQL, ListedCall

WRDS_HOST = "wrds-pgdata.wharton.upenn.edu"
WRDS_PORT = "9737"
WRDS_DATABASE = "wrds"
LOGIN_TIMEOUT_S = "90"  # a push waits 60 s for the person; PGCONNECT_TIMEOUT changes it
REACH_TIMEOUT_S = 15.0  # for a first sign of life from the host

#: Rows per round trip of the server-side cursor: 1 kB each as a rule, 100 kB at worst.
ROWS_PER_BATCH = 1000

_TABLES = (
    ("transcripts", "wrds_transcript_detail"),
    ("transcripts", "ciqtranscriptcomponent"),
    ("transcripts", "wrds_transcript_person"),
    ("gvkey", "wrds_gvkey"),
    ("links", "ccmxpf_lnkhist"),
)
#: People with their titles. It belongs to another subscription (People Intelligence), so a fetch can do without.
_TITLES_TABLE = ("titles", "ciqprofessional")
_NO_TITLES = sql.SQL("(SELECT NULL::bigint AS proid, NULL::text AS title)")

_PRIVILEGES_SQL = """
SELECT n.oid IS NOT NULL AS has_schema, c.oid IS NOT NULL AS has_table,
  COALESCE(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), false) AS is_readable
FROM (SELECT %s::text AS schema_name, %s::text AS table_name) need
LEFT JOIN pg_namespace n ON n.nspname = need.schema_name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = need.table_name
"""
_ELSEWHERE_SQL = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = %s ORDER BY n.nspname
"""


class WrdsDatabase:
    """An open connection; `connect` makes it, leaving the `with` block closes it."""

    def __init__(self, connection: psycopg.Connection, schemas: Mapping[str, str]) -> None:
        self._connection = connection
        self._schemas = schemas
        self._has_titles = False

    def __enter__(self) -> "WrdsDatabase":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out."""
        self._connection.close()

    def check_readable(self) -> str | None:
        """See that every table is there and may be read, before anything is asked of it.

        Returns:
            What is missing where that can be done without: the titles of people, unless --schema asked for them.

        Raises:
            SourceError: A schema or table is not there, or this account may not read it.
        """
        for name, table in _TABLES:
            if trouble := self._trouble_reading(name, table):
                raise SourceError(f"WRDS: {trouble}")
        no_titles = self._trouble_reading(*_TITLES_TABLE)
        if no_titles and self._schemas["titles"] != SCHEMAS["titles"]:
            raise SourceError(f"WRDS: {no_titles}")
        self._has_titles = no_titles is None
        return no_titles

    def _trouble_reading(self, name: str, table: str) -> str | None:
        """Why a table cannot be read, and what to do about it; null where it can."""
        schema = self._schemas[name]
        with self._reported("looking up what may be read"):
            row = self._connection.execute(_PRIVILEGES_SQL, [schema, table]).fetchone()
            elsewhere = [row[0] for row in self._connection.execute(_ELSEWHERE_SQL, [table])]
        has_schema, has_table, is_readable = row or (False, False, False)
        if not has_table:
            what = f"the schema {schema} has no table {table}" if has_schema else f"there is no schema {schema}"
            where = f"; {table} is in: {', '.join(elsewhere)}" if elsewhere else ""
            return f"{what}{where}. Say where it is with --schema {name}=NAME"
        if not is_readable:
            return (
                f"this account may not read {schema}.{table}; ask your WRDS representative whether your "
                f"institution subscribes to it, or name another schema with --schema {name}=NAME"
            )
        return None

    def calls(self, first_day: date, next_quarter: date, as_of: date | None) -> list[ListedCall]:
        """All earnings calls from the first day up to the first day of the next quarter, with version and link."""
        parameters = {"start": first_day, "end": next_quarter, "as_of": as_of}
        with self._reported("listing the calls"), self._connection.cursor(row_factory=class_row(ListedCall)) as cursor:
            return cursor.execute(self._query(CALLS_SQL), parameters).fetchall()

    def turns(self, transcriptids: Sequence[int]) -> Iterator[list[tuple[Any, ...]]]:
        """What was said in these transcripts, in their order, in batches of rows; the columns are those of the query.

        A server-side cursor: neither side ever holds more than a batch of text.
        """
        query, parameters = self._query(TURNS_SQL), {"transcriptids": list(transcriptids)}
        with (
            self._reported("fetching text"),
            self._connection.transaction(),
            self._connection.cursor(name="ftm_turns") as cursor,
        ):
            cursor.execute(query, parameters)
            while batch := cursor.fetchmany(ROWS_PER_BATCH):
                yield batch

    def n_turns(self, transcriptids: Sequence[int]) -> int:
        """How many rows `turns` would give."""
        query = sql.SQL("SELECT count(*) FROM ({}) turns").format(self._query(TURNS_SQL))
        with self._reported("counting rows"):
            row = self._connection.execute(query, {"transcriptids": list(transcriptids)}).fetchone()
        return int(row[0]) if row else 0

    def _query(self, text: str) -> sql.Composed:
        """A query of ours with the names of the schemas put in."""
        names = {name: sql.Identifier(schema) for name, schema in self._schemas.items()}
        titles = sql.Identifier(self._schemas["titles"], _TITLES_TABLE[1]) if self._has_titles else _NO_TITLES
        return sql.SQL(text).format(**names, professionals=titles)

    @contextmanager
    def _reported(self, doing: str) -> Iterator[None]:
        """Turn what the server says into one sentence."""
        try:
            yield
        except errors.InsufficientPrivilege as error:
            raise SourceError(
                f"WRDS: this account may not read everything that is needed ({_words(error)}); "
                "ask your WRDS representative whether your institution subscribes to it"
            ) from error
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction) as error:
            raise SourceError(
                f"WRDS: the tables are not as expected ({_words(error)}); docs/wrds.md says what is read of them"
            ) from error
        except psycopg.Error as error:
            if self._connection.closed:
                raise SourceError(
                    f"WRDS: the connection was lost while {doing} ({_words(error)}); "
                    "the same command logs in again and fetches only what is missing"
                ) from error
            raise SourceError(f"WRDS: the server gave up while {doing} ({_words(error)}); try again later") from error


def connect(user: str, schemas: Mapping[str, str], ask_password: Callable[[], str] | None) -> WrdsDatabase:
    """Log in to WRDS, or to the server that PGHOST names.

    Args:
        user: WRDS user name.
        schemas: Where the tables lie.
        ask_password: Asks the person, where neither the environment nor ~/.pgpass has a password; null = nobody there.

    Raises:
        SourceError: The host cannot be reached, or the login is refused or not answered.
    """
    parameters = _parameters(user)
    parameters |= _reachable_address(parameters["host"], parameters["port"])
    try:
        connection = _login(parameters)
    except psycopg.OperationalError as error:
        if not _lacks_password(error) or ask_password is None:
            raise _login_error(error, parameters) from None  # libpq's text names user and address
        # The server hung up before any push: it only answered that it wants a password.
        try:
            connection = _login(parameters | {"password": ask_password()})
        except psycopg.OperationalError as second:
            raise _login_error(second, parameters) from None
    return WrdsDatabase(connection, schemas)


def _login(parameters: Mapping[str, str]) -> psycopg.Connection:
    return psycopg.connect("", autocommit=True, **cast(dict[str, Any], parameters))


def _parameters(user: str) -> dict[str, str]:
    """What libpq would take from the environment, with WRDS where it says nothing."""
    options = psycopg.pq.Conninfo.get_defaults()
    known = {option.keyword.decode(): option.val.decode() for option in options if option.val}
    host, port = known.get("host", WRDS_HOST), known.get("port", "5432")
    return {
        "host": host,
        "port": WRDS_PORT if host == WRDS_HOST and port == "5432" else port,  # 5432: libpq's word for "not said"
        "dbname": known.get("dbname", WRDS_DATABASE),
        "user": user,
        # Never less than TLS, and no second login without it. libpq leaves it out on a local socket.
        "sslmode": known["sslmode"] if known.get("sslmode") in ("verify-ca", "verify-full") else "require",
        "gssencmode": "disable",  # trying Kerberos first would be a connection more
        "connect_timeout": known.get("connect_timeout", LOGIN_TIMEOUT_S),
        "keepalives_idle": "60",
        "application_name": "ftm-ray",
        "client_encoding": "UTF8",
    }


def _reachable_address(host: str, port: str) -> dict[str, str]:
    """An address of the host that answers, so that the login is tried there and nowhere else.

    psycopg tries every address of a host in turn, also after a refused login: that would be a push each.
    """
    if host.startswith("/"):
        return {}  # a local socket
    try:
        with socket.create_connection((host, int(port)), timeout=REACH_TIMEOUT_S) as probe:
            return {"hostaddr": probe.getpeername()[0]}
    except socket.gaierror as error:
        raise SourceError(f"cannot find {host}: {error.strerror}; is this machine on the internet?") from None
    except OSError as error:
        raise SourceError(
            f"cannot reach {host}, port {port}: {error.strerror or error}; is the port open to this machine?"
        ) from None


def _lacks_password(error: psycopg.Error) -> bool:
    return bool(error.pgconn and error.pgconn.needs_password)


def _login_error(error: psycopg.Error, parameters: Mapping[str, str]) -> SourceError:
    """Why there is no connection. libpq gives no code for it, only flags and the server's words."""
    host = parameters["host"]
    if isinstance(error, errors.ConnectionTimeout):
        return SourceError(
            f"{host} did not finish the login within {parameters['connect_timeout']} s; was the Duo push on your phone "
            "approved? The same command asks for it again"
        )
    if _lacks_password(error):
        return SourceError(
            f"{host} wants a password and none was given; put it into ~/.pgpass or PGPASSWORD, "
            "or run the command in a terminal, where it is asked for"
        )
    words = _server_words(error, parameters["user"])
    if error.pgconn and error.pgconn.used_password:
        return SourceError(
            f"{host} refused the login ({words}): either the password is wrong, or the Duo push was denied or not "
            "answered; the server does not say which. Nothing was tried twice; check both, then run it again"
        )
    return SourceError(f"{host} refused the connection ({words}); docs/wrds.md says what is needed")


def _server_words(error: psycopg.Error, user: str) -> str:
    """The last line of the server's answer, without the address and the user's name."""
    raw = error.pgconn.error_message.decode("utf-8", "replace") if error.pgconn else str(error)
    last = (raw.strip().splitlines() or ["no reason given"])[-1]
    return last.rpartition("failed: ")[2].removeprefix("FATAL:").strip().replace(f'"{user}"', "this user")


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or (str(error).strip().splitlines() or [type(error).__name__])[0]
