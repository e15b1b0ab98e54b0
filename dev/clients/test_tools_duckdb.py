"""DuckDB reads a trail's delivered log files over its httpfs extension, and asks them in SQL.

The extension is a package beside DuckDB's own: nothing is fetched when it is loaded.
"""

import pathlib

import duckdb
import duckdb_extension_httpfs
import pytest
from harness import make_trail


@pytest.fixture(autouse=True)
def proxies_are_used(monkeypatch):
    """The extension reads this of the environment, and it is ours here."""
    monkeypatch.delenv("NO_PROXY")


def sql_text(value):
    return "'" + str(value).replace("'", "''") + "'"


def connect(place):
    """A connection with the extension, which knows the place and its keys."""
    extensions = pathlib.Path(duckdb_extension_httpfs.__file__).parent / "extensions"
    database = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    database.execute(f"LOAD {sql_text(extensions / f'v{duckdb.__version__}' / 'httpfs.duckdb_extension')}")
    if place.ca:
        database.execute(f"SET ca_cert_file = {sql_text(place.ca)}")
    if place.proxy:
        database.execute(f"SET http_proxy = '127.0.0.1:{place.proxy.port}'")
    root = place.server.root
    settings = {
        "KEY_ID": root.access_key,
        "SECRET": root.secret_key,
        "REGION": "us-east-1",
        "ENDPOINT": place.endpoint.split("//")[1],
        "URL_STYLE": "vhost" if place.way.virtual else "path",
    }
    told = "".join(f", {name} {sql_text(value)}" for name, value in settings.items())
    database.execute(f"CREATE SECRET place (TYPE s3, USE_SSL {str(place.way.tls).lower()}{told})")
    return database


@pytest.mark.serve("--rehearsal")
def test_a_delivered_log_file_is_read_and_asked_in_sql(place):
    trail = make_trail(place.server, bucket="audit-logs")
    place.server.client("s3").put_object(Bucket=place.bucket, Key="x", Body=b"x")
    for name in ("alice", "bob"):
        place.server.user(name)
    place.server.advance("1h")
    database = connect(place)
    log = f"s3://{trail.bucket}/AWSLogs/*/CloudTrail/*/*/*/*/*.json.gz"
    records = f"SELECT unnest(Records) AS r FROM read_json({sql_text(log)}, maximum_object_size = 100000000)"
    found = database.execute(
        f"SELECT r.requestParameters.userName FROM ({records}) WHERE r.eventName = 'CreateUser' ORDER BY r.eventTime, 1"
    ).fetchall()
    assert sorted(found) == [("alice",), ("bob",)]
    count = database.execute(f"SELECT count(*), count(DISTINCT r.eventID) FROM ({records})").fetchone()
    assert count == (len(trail.records()),) * 2
    files = database.execute(f"SELECT file FROM glob({sql_text(log)}) ORDER BY 1").fetchall()
    assert [name for (name,) in files] == [f"s3://{trail.bucket}/{key}" for key in sorted(trail.keys())]


def test_a_table_is_written_in_parts_and_read_by_ranges(place):
    """Parquet is read from its end, and only the columns that are asked for."""
    database = connect(place)
    uri = sql_text(f"s3://{place.bucket}/tables/numbers.parquet")
    database.execute("SET threads = 2")
    database.execute(
        f"COPY (SELECT i, md5(i::VARCHAR) AS h, sha256(i::VARCHAR) AS s FROM range(120000) t(i)) TO {uri} (FORMAT parquet)"
    )
    assert place.head("tables/numbers.parquet")["ContentLength"] > 5_000_000
    place.check_sealed()
    assert database.execute(f"SELECT count(*), sum(i) FROM {uri}").fetchone() == (120_000, 120_000 * 119_999 // 2)
    assert database.execute(f"SELECT h FROM {uri} WHERE i = 77777").fetchone()[0] == (
        database.execute("SELECT md5('77777')").fetchone()[0]
    )
