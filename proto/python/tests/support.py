"""One server for all tests, with the bundled vectors."""

import atexit
import functools
import logging
import pathlib

import wordspace
from wordspace.v1 import table_pb2

# Warnings of words that are left out are looked for where they are tested.
logging.getLogger("wordspace").addHandler(logging.NullHandler())
logging.getLogger("wordspace").propagate = False

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[2] / "examples" / "data" / "glove.6B.50d.20k.txt.gz"


@functools.lru_cache(maxsize=None)
def client(build="cancelled"):
    """Of a private server on a temporary folder, found by WORDSPACE_BINARY; ends with the tests."""
    made = wordspace.open()
    atexit.register(made.close)
    report = made.import_file(VECTORS, "en")
    assert report.rows_kept == 20_000
    # Exact answers need no index, whose build would take the machine from the tests.
    if build == "cancelled":
        request = table_pb2.CancelBuildRequest(table="en")
        made.services.TableService.CancelBuild(request)
    return made


def resident_bytes():
    """Memory of this process; None where the system does not tell."""
    try:
        status = pathlib.Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def wv(**options):
    return client().load("en", **options)
