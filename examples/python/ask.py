#!/usr/bin/env python3
"""Imports an embedding file into wordspace and asks it, with nothing but grpcio.

    python ask.py --server 127.0.0.1:50051 glove.6B.50d.20k.txt.gz

The stubs are made from the project's proto files when the program starts.
"""

import argparse
import json
import pathlib
import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
CHUNK_BYTES = 512 * 1024

sys.path.insert(0, str(PROTO))
common, _ = grpc.protos_and_services("wordspace/v1/common.proto")
search, search_grpc = grpc.protos_and_services("wordspace/v1/search.proto")
transfer, transfer_grpc = grpc.protos_and_services("wordspace/v1/transfer.proto")
bias, bias_grpc = grpc.protos_and_services("wordspace/v1/bias.proto")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--server", default="127.0.0.1:50051")
    arguments.add_argument("--table", default="python-example")
    arguments.add_argument("file", type=pathlib.Path)
    options = arguments.parse_args()

    with grpc.insecure_channel(options.server) as channel:
        grpc.channel_ready_future(channel).result(timeout=30)
        import_file(channel, options.table, options.file)
        nearest(channel, options.table, "piano")
        analogy(channel, options.table, "man", "king", "woman")
        weat(channel, options.table, "career-family")
        unknown_words(channel, options.table, ["piano", "qwertzuiop", "zyzzyvaxyz"])


def import_file(channel, table, file):
    """Streams the file; the call ends when every row is on the server's disk."""

    def requests():
        yield transfer.ImportRequest(
            header=transfer.ImportHeader(
                table=table,
                source=file.name,
                total_bytes=file.stat().st_size,
                if_exists=transfer.IF_EXISTS_REPLACE,
            )
        )
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                yield transfer.ImportRequest(chunk=chunk)

    report = None
    for response in transfer_grpc.TransferServiceStub(channel).Import(requests()):
        if response.WhichOneof("part") == "report":
            report = response.report
    print(f"{table}: {report.rows_kept} of {report.rows_read} rows, dim {report.dim}")
    for reason in report.reasons:
        print(f"  {reason.count} {reason.reason}: {reason.done}")


def nearest(channel, table, word):
    answer = search_grpc.SearchServiceStub(channel).Nearest(
        search.NearestRequest(table=table, positive=[common.WordOrVector(word=word)], k=5),
        timeout=30,
    )
    print(f"nearest to {word}:", ", ".join(f"{n.word} {n.similarity:.3f}" for n in answer.neighbors))


def analogy(channel, table, a, b, c):
    a_b_c = {name: common.WordOrVector(word=word) for name, word in zip("abc", (a, b, c))}
    answer = search_grpc.SearchServiceStub(channel).Analogy(
        search.AnalogyRequest(table=table, k=1, **a_b_c), timeout=30
    )
    print(f"{a} is to {b} as {c} is to {answer.neighbors[0].word}")


def weat(channel, table, suite):
    answer = bias_grpc.BiasServiceStub(channel).Weat(
        bias.WeatRequest(table=table, suite=suite), timeout=60
    )
    kind = "exact" if answer.p_value_exact else "sampled"
    print(f"{suite}: effect size {answer.effect_size:.3f}, p = {answer.p_value:.2e} ({kind})")


def unknown_words(channel, table, words):
    """An error carries a stable reason and its data: no need to read its text."""
    request = search.NearestRequest(
        table=table, positive=[common.WordOrVector(word=word) for word in words]
    )
    try:
        search_grpc.SearchServiceStub(channel).Nearest(request, timeout=30)
    except grpc.RpcError as error:
        details = error_info(error)
        if details is None or details.reason != "UNKNOWN_WORDS":
            raise
        unknown = json.loads(details.metadata["words"])
        print(f"{error.code().name}, reason {details.reason}: {', '.join(unknown)}")
    else:
        sys.exit("words that nobody uses were found")


def error_info(error):
    """The google.rpc.ErrorInfo of an error, if it has one."""
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return info
    return None


if __name__ == "__main__":
    main()
