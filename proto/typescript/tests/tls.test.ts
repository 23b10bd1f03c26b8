// A server with a certificate, which asks for certificates and keys of its callers.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type NodeConnectOptions, WordspaceError, connect, load, open } from "wordspace";
import { ROOT } from "./support.js";

const FILES = `${ROOT}tests/data/tls/`;
const read = (name: string): Promise<Buffer> => readFile(FILES + name);

test("certificates prove both ends, and keys callers", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "wordspace-tls-"));
  const binary = process.env["WORDSPACE_BINARY"] ?? "wordspace";
  const make = ["key", "make", "app", "--data", folder, "--role", "write"];
  const { stdout } = await promisify(execFile)(binary, make);
  const apiKey = /\bws_\S+/.exec(stdout)?.[0] as string;
  const [ca, otherCa] = await Promise.all([read("ca.pem"), read("other-ca.pem")]);
  const own = { cert: await read("app.pem"), key: await read("app.key") };

  const certificates = ["--tls-cert", `${FILES}server.pem`, "--tls-key", `${FILES}server.key`];
  const args = [...certificates, "--client-ca", `${FILES}ca.pem`];
  const client = await open(folder, { args, apiKey, tls: { ca, ...own } });
  t.after(async () => {
    await client.close();
    await rm(folder, { recursive: true });
  });
  assert.match(client.address, /^https:/);
  const table = await client.createTable("t", 2);
  await table.addVectors(["a"], [[1, 2]]);

  const asked = async (options: NodeConnectOptions): Promise<number[]> => {
    const wv = await load("t", { server: client.address, timeoutMs: 5_000, ...options });
    try {
      return [...(await wv.getVector("a"))];
    } finally {
      await wv.client.close();
    }
  };
  for (const protocol of ["grpc", "grpc-web"] as const) {
    await t.test(protocol, async () => {
      const options = { protocol, apiKey, tls: { ca, ...own } };
      assert.deepEqual(await asked(options), [1, 2]);
      const reason = (wanted: string) => (error: unknown) =>
        error instanceof WordspaceError && error.reason === wanted;
      await assert.rejects(asked({ ...options, apiKey: "ws_no" }), reason("UNAUTHENTICATED"));
      // Whoever is not proven is not asked, and who does not prove itself not answered.
      await assert.rejects(asked({ ...options, tls: { ca: otherCa, ...own } }), reason(""));
      await assert.rejects(asked({ ...options, tls: { ca } }), reason(""));
    });
  }
  assert.throws(() => connect("http://127.0.0.1:1", { tls: { ca } }), /only https/);
});
