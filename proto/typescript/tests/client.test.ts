// Tables, files, writes, errors, retries, and a server of one's own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Code, ConnectError, createRouterTransport } from "@connectrpc/connect";
import { Client, UnknownWords, WordspaceError, connect, open } from "wordspace";
import { Format, SearchService, TableService } from "wordspace/v1";
import { client } from "./support.js";

test("what is written is there, and comes back as it was", async () => {
  const own = await (await client()).createTable("own", 3);
  const date = new Date("2024-01-31T10:30:00.250Z");
  await own.addVectors(["cat", "dog", "cat"], [[1, 0, 0.5], [0.5, 0.5, 0], [9, 9, 9]], {
    extras: { freq: [7, 2 ** 60, 0], lang: ["en", "de", "fr"], seen: [date, date, date] },
  });
  assert.equal(await own.size(), 2);
  assert.deepEqual([...(await own.getVector("cat"))], [1, 0, 0.5]);
  await own.addVectors(["cat"], [[7, 7, 7]]);
  assert.deepEqual([...(await own.getVector("cat"))], [1, 0, 0.5], "a word keeps its vector");
  await own.addVectors(["cat"], [new Float32Array([7, 7, 7])], { replace: true });
  assert.deepEqual([...(await own.getVector("cat"))], [7, 7, 7]);

  assert.equal(await own.getVecattr("cat", "freq"), 7);
  assert.deepEqual(await own.getVecattr("cat", "seen"), date);
  await own.setVecattr("cat", "tags", ["a", "b"]);
  assert.deepEqual(await own.getVecattr("cat", "tags"), ["a", "b"]);
  await own.setVecattr("dog", "count", 2n ** 62n);
  assert.equal(await own.getVecattr("dog", "count"), 2n ** 62n);
  assert.equal(await own.getVecattr("dog", "no such"), undefined);

  assert.equal(await own.addVector("cow", [1, 1, 1]), 2);
  const found = await own.nearest("cow", 5, { where: "lang = en", include: { attributes: true } });
  assert.deepEqual(found.map(({ word }) => word), ["cat"]);
  assert.equal(found[0]?.attributes["lang"]?.value.value, "en");
  assert.equal(await own.deleteWords(["cat"]), 1);
  assert.equal(await own.has("cat"), false);
  assert.deepEqual(await own.indexToKey(), ["dog", "cow"]);
  assert.equal((await own.keyToIndex()).get("cow"), 2);
});

test("many words come in few calls, and texts have vectors", async () => {
  const wv = await (await client()).load("en");
  const words = (await wv.indexToKey()).slice(0, 6_000);
  const vectors = await wv.getVectors(words);
  assert.equal(vectors.length, 6_000);
  assert.deepEqual(vectors[5_999], await wv.getVector(words[5_999] as string));
  const batch = await wv.mostSimilarBatch(["king", "cat"], { topn: 3 });
  assert.deepEqual(batch[1], await wv.mostSimilar("cat", { topn: 3 }));
  const [first] = await wv.nearest("text:the cat sat", 1, { exact: true });
  assert.ok(first !== undefined && first.similarity > 0.5);
  const [text, none] = await wv.embed(["the cat", "qqqqq"]);
  const mean = await wv.getMeanVector(["the", "cat"]);
  text?.forEach((value, i) => assert.ok(Math.abs(value - (mean[i] as number)) < 1e-6));
  assert.ok(none?.every((value) => value === 0));
  const said = await wv.evaluateWordPairs("cat\tdog\t9\ncat\tcar\t2\nking\tqueen\t8\n");
  assert.equal(said.knownCount, 3);
  const analogies = await wv.evaluateWordAnalogies(": family\nman king woman queen\n");
  assert.equal(analogies.total?.askedCount, 1);
  assert.ok((await wv.wmdistance(["the", "cat"], ["a", "dog"])) > 0);
});

test("files go in and come out", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wordspace-test-"));
  try {
    const all = await client();
    const file = join(folder, "en.txt");
    await all.exportFile("en", file, { format: Format.GLOVE, filter: { top: 500 } });
    assert.ok(!existsSync(`${file}.partial`));
    assert.equal((await readFile(file, "utf8")).trimEnd().split("\n").length, 500);
    let heard = 0;
    const onProgress = (): void => void (heard += 1);
    const report = await all.importFile(file, "again", { onProgress });
    assert.equal(report.rowsKept, 500n);
    await assert.rejects(
      () => all.importFile(file, "again"),
      (error: WordspaceError) => error.reason === "TABLE_EXISTS" && error.code === Code.AlreadyExists,
    );
    await all.importFile(file, "again", { replace: true, limit: 10n });
    assert.equal((await all.table("again")).rowCount, 10n);
    await assert.rejects(() => all.exportFile("no such", join(folder, "x")), WordspaceError);
    assert.ok(!existsSync(join(folder, "x.partial")));
    await all.setAlias("live", "again");
    assert.equal(await (await all.load("live")).size(), 10);
    await assert.rejects(() => all.deleteTable("again"), WordspaceError);
    await all.services.tables.removeAlias({ alias: "live" });
    await all.deleteTable("again");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("errors have the contract's reasons", async () => {
  const wv = await (await client()).load("en");
  await assert.rejects(
    () => wv.mostSimilar(["king", "qeen", "xxqx"]),
    (error: UnknownWords) =>
      error instanceof UnknownWords &&
      error.reason === "UNKNOWN_WORDS" &&
      error.words.join() === "qeen,xxqx" &&
      error.code === Code.NotFound,
  );
  await assert.rejects(
    () => wv.nearest("king", 100_000, { minRecall: 2 }),
    (error: WordspaceError) => {
      assert.equal(error.reason, "INVALID_FIELD");
      assert.deepEqual(error.violations.map(({ field }) => field).sort(), ["k", "min_recall"]);
      return true;
    },
  );
  const gone = new Client(refusing(() => new ConnectError("connection refused", Code.Unavailable)), "x");
  await assert.rejects(() => gone.tables(), /no wordspace server answers at x/);
});

/** google.rpc.ErrorInfo and RetryInfo as they come over the wire. */
function refusal(code: Code, reason: string, retryMs?: number): ConnectError {
  const error = new ConnectError("refused", code);
  const info = new BinaryWriter().tag(1, 2).string(reason).finish();
  error.details.push({ type: "google.rpc.ErrorInfo", value: info });
  if (retryMs !== undefined) {
    const [seconds, nanos] = [Math.floor(retryMs / 1_000), (retryMs % 1_000) * 1e6];
    const duration = new BinaryWriter().tag(1, 0).int64(seconds).tag(2, 0).int32(nanos).finish();
    const retry = new BinaryWriter().tag(1, 2).bytes(duration).finish();
    error.details.push({ type: "google.rpc.RetryInfo", value: retry });
  }
  return error;
}

let calls = 0;

/** A server that refuses until `refuse` has nothing more to say. */
function refusing(refuse: () => ConnectError | undefined): ReturnType<typeof createRouterTransport> {
  calls = 0;
  const answer = (): Record<string, never> => {
    calls += 1;
    const error = refuse();
    if (error !== undefined) throw error;
    return {};
  };
  return createRouterTransport(({ service }) => {
    service(SearchService, { nearest: answer });
    service(TableService, { listTables: answer, putVectors: answer });
  });
}

test("calls are made again where nothing was done, and questions where the connection broke", async () => {
  const twice = (error: ConnectError) => () => (calls <= 2 ? error : undefined);
  const asked = async (
    refuse: () => ConnectError | undefined,
    isWrite: boolean,
    timeoutMs = 30_000,
  ): Promise<string> => {
    const { services } = new Client(refusing(refuse), "x", { timeoutMs });
    try {
      await (isWrite ? services.tables.putVectors({}) : services.search.nearest({}));
      return `answered at call ${calls}`;
    } catch (error) {
      return `${(error as WordspaceError).reason} at call ${calls}`;
    }
  };
  const busy = refusal(Code.ResourceExhausted, "OVERLOADED", 1);
  assert.equal(await asked(twice(busy), true), "answered at call 3");
  assert.equal(await asked(twice(busy), false), "answered at call 3");
  assert.equal(await asked(() => busy, false), "OVERLOADED at call 6");
  // The key allows no more: who asks again at once makes it worse.
  const limited = refusal(Code.ResourceExhausted, "RATE_LIMITED", 1);
  assert.equal(await asked(twice(limited), false), "RATE_LIMITED at call 1");
  const broken = new ConnectError("reset", Code.Unavailable);
  assert.equal(await asked(twice(broken), false), "answered at call 3");
  assert.equal(await asked(twice(broken), true), " at call 1");
  // A pause that would end behind the deadline is not begun.
  const late = refusal(Code.ResourceExhausted, "OVERLOADED", 600_000);
  assert.equal(await asked(twice(late), false, 1_000), "OVERLOADED at call 1");
});

test("a question has a deadline, and its caller may leave before", async () => {
  const silent = createRouterTransport(({ service }) => {
    service(SearchService, {
      nearest: (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    });
  });
  const patient = new Client(silent, "x", { timeoutMs: 30 });
  await assert.rejects(
    () => patient.services.search.nearest({}),
    (error: WordspaceError) => error.code === Code.DeadlineExceeded,
  );
  const leaving = new AbortController();
  const asked = new Client(silent, "x").services.search.nearest({}, { signal: leaving.signal });
  leaving.abort();
  await assert.rejects(() => asked, (error: WordspaceError) => error.code === Code.Canceled);
});

test("a key is brought with every call", async () => {
  const seen: unknown[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization, request.headers["wordspace-min-generation"]);
    response.writeHead(503).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const headers = { "wordspace-min-generation": "7" };
  const asking = connect(`127.0.0.1:${port}`, { protocol: "grpc-web", apiKey: "ws_k", headers });
  await assert.rejects(() => asking.services.tables.deleteTable({ table: "t" }), WordspaceError);
  await asking.close();
  server.close();
  assert.deepEqual(seen, ["Bearer ws_k", "7"]);
});

test("a server of one's own keeps its folder, and ends with the process that started it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wordspace-test-"));
  try {
    const data = join(folder, "data");
    const first = await open(data);
    await (await first.createTable("t", 2)).addVectors(["a"], [[1, 2]]);
    await first.close();
    await assert.rejects(() => first.tables(), WordspaceError);
    // Ended without `close`: the script comes to its end, and the folder is free again.
    const script = `
      const { open } = await import("wordspace");
      const client = await open(${JSON.stringify(data)});
      console.log((await client.tables()).map(({ name }) => name).join());`;
    const here = fileURLToPath(new URL(".", import.meta.url));
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { cwd: here });
    let told = "";
    child.stdout.on("data", (text: Buffer) => (told += text.toString()));
    child.stderr.on("data", (text: Buffer) => (told += text.toString()));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    assert.deepEqual([code, told.trim()], [0, "t"]);
    const again = await reopened(data);
    assert.deepEqual([...(await (await again.load()).getVector("a"))], [1, 2]);
    await again.close();
  } finally {
    await rm(folder, { recursive: true });
  }
  await assert.rejects(() => open(undefined, { binary: "/no/such" }), /did not start/);
});

/** The folder's lock goes a moment after the process that ended without `close`. */
async function reopened(data: string): ReturnType<typeof open> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await open(data);
    } catch (error) {
      if (attempt === 50) throw error;
    }
  }
}
