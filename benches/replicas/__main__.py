#!/usr/bin/env python3
"""One writer and its readers, as processes on this machine: what must hold whatever happens to them, and how fast they are.

    cargo build --release --features cloud
    python3 benches/replicas --quick                       # a minute of it; a folder is the place
    python3 benches/replicas --quick --weed FILE           # the same on SeaweedFS, with faults of transfers
    python3 benches/replicas trials --weed FILE            # the trials in full, some ten minutes
    python3 benches/replicas kills --weed FILE --seed 7 --kills 1000
    python3 benches/replicas figures --data FOLDER --table en [--weed FILE]
    python3 benches/replicas trials --endpoint http://127.0.0.1:9000 --bucket words

The place where the writer publishes is a folder; with `--weed`, the path of SeaweedFS' program `weed`, a SeaweedFS that is
started here, with three masters and three volume servers, and some of which the trials kill; with `--endpoint` a bucket of any S3
server with conditional writes, whose key is in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Buckets are reached through a
proxy of this program, which makes the faults of transfers, and a bucket needs a program with the feature `cloud`.

`--data` is a data folder with the table that figures are about; it is copied. Without it they are about the bundled vectors,
and `--quick` takes those. One JSON line a trial or figure, each with the counts that it is judged by; talk goes to stderr. Ends with 1 if
a promise did not hold, and keeps the folders then. Needs Linux and nothing but Python's own modules; `clocks` libfaketime,
`balanced` HAProxy.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from figures import FIGURES, Bench  # noqa: E402
from places import place_of  # noqa: E402
from processes import talk  # noqa: E402
from trials import TRIALS, holds  # noqa: E402


def names_of(what, is_quick):
    if is_quick and not what:
        # Those that wait for an index are left to be asked for.
        what = ["trials", "publish", "empty-reader", "seen"]
    groups = {"trials": list(TRIALS), "figures": list(FIGURES), "all": [*TRIALS, *FIGURES]}
    names = [name for one in what or ["all"] for name in groups.get(one, [one])]
    for name in names:
        if name not in groups["all"]:
            raise SystemExit(f"{name}: take trials, figures, or of {', '.join(groups['all'])}")
    return names


def parsed():
    root = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(
        prog="python3 benches/replicas", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help="trials, figures, or single ones by name; all if nothing is named")
    parser.add_argument("--binary", default=str(root / "target/release/wordspace"))
    parser.add_argument("--weed", help="SeaweedFS' program: the place is a bucket of a SeaweedFS of its own")
    parser.add_argument("--endpoint", help="URL of an S3 server that runs: the place is in a bucket there")
    parser.add_argument("--bucket", default="words", help="of that server")
    parser.add_argument("--data", help="a data folder with the table of the figures")
    parser.add_argument("--table", default="en", help="its name")
    parser.add_argument("--quick", action="store_true", help="a minute's form of everything")
    parser.add_argument("--seed", type=int, default=1, help="of what trials draw")
    parser.add_argument("--kills", type=int, help="how many processes are killed; 100, or 8 in the quick form")
    parser.add_argument("--interval", type=int, default=1000, help="milliseconds between two looks, in figures")
    parser.add_argument("--rate", type=int, default=1000, help="questions a second during a swap")
    parser.add_argument("--share", type=float, default=0.2, help="of a core, that each balanced reader has")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round of balanced readers")
    parser.add_argument("--rounds", type=int, default=5, help="of each figure")
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds, arguments.interval = 1, 1.0, min(arguments.interval, 200)
    arguments.binary = str(Path(arguments.binary).resolve())
    if not Path(arguments.binary).exists():
        raise SystemExit(f"no program at {arguments.binary}: cargo build --release, or --binary FILE")
    return arguments


def main():
    arguments = parsed()
    names = names_of(arguments.what, arguments.quick)
    root = Path(tempfile.mkdtemp(prefix="wordspace-replicas-"))
    place, bench, bad = None, None, []
    try:
        place = place_of(arguments, root)
        for name in names:
            began = time.monotonic()
            talk(f"{name} begins")
            if name in TRIALS:
                try:
                    counts = TRIALS[name](arguments, place, root / name)
                except AssertionError as broken:
                    counts = {"broken": [str(broken)], "failed_with_one_retry": 0}
                kind = "trial"
                if "left_out" not in counts:
                    counts["holds"] = holds(counts)
                    if not counts["holds"]:
                        bad.append(name)
            else:
                bench = bench or Bench(arguments, place, root / "figures")
                kind, counts = "figure", FIGURES[name](bench)
            about = {kind: name, "place": place.about, "seed": arguments.seed}
            print(json.dumps({**about, **counts, "took_seconds": round(time.monotonic() - began, 1)}), flush=True)
    except BaseException:
        bad.append("ended early")
        raise
    finally:
        if bench:
            bench.end()
        if place:
            place.end()
        if bad or arguments.keep:
            talk(f"{', '.join(bad)}: folders are kept at {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
