// The client in a page of headless Chromium, over gRPC-Web from another origin.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, extname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { client } from "./support.js";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
const PATIENCE_MS = 60_000;
const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };

/** $CHROMIUM, or one on the PATH. */
function chromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const all = named ? [named] : folders.flatMap((folder) => names.map((name) => join(folder, name)));
  return all.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Serves the page and the modules that it imports, and hears what it tells. */
async function pages(heard: (text: string) => void): Promise<Server> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", "http://page");
    if (pathname === "/told") {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      heard(text);
      response.end();
      return;
    }
    const isOurs = /^\/(dist|node_modules|tests)\/[\w@./-]+$/.test(pathname) && !pathname.includes("..");
    if (!isOurs) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[extname(pathname)] ?? "text/plain";
    response.setHeader("content-type", type).end(await readFile(join(PACKAGE, pathname)));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(404).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function browse(program: string, profile: string, url: string): ChildProcess {
  const args = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
    url,
  ];
  return spawn(program, args, { stdio: "ignore" });
}

const program = chromium();
const skip = program === undefined && "there is no Chromium on the PATH, nor named by CHROMIUM";

test("a page asks and writes over gRPC-Web", { skip }, async () => {
  let tell = (_: string): void => {};
  const told = new Promise<string>((resolve) => (tell = resolve));
  const server = await pages(tell);
  const profile = await mkdtemp(join(tmpdir(), "wordspace-page-"));
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const { address } = await client(["--cors-origin", origin]);
  const wv = await (await client()).load("en");
  const url = `${origin}/tests/page.html?server=${encodeURIComponent(address)}`;
  const browser = browse(program as string, profile, url);
  const late = setTimeout(() => tell('{"error": "the page told nothing"}'), PATIENCE_MS);
  try {
    const page = JSON.parse(await told) as Record<string, unknown>;
    assert.equal(page["error"], undefined);
    assert.deepEqual(page["neighbors"], await wv.mostSimilar("king", { topn: 5 }));
    assert.deepEqual(page["vector"], [...(await wv.getVector("king"))]);
    assert.deepEqual(page["unknown"], ["UnknownWords", ["qeen"]]);
    assert.equal(page["lines"], 100);
    assert.deepEqual(page["written"], [["b", 1]]);
    assert.match(String(page["nobody"]), /no wordspace server answers/);
  } finally {
    clearTimeout(late);
    const ended = once(browser, "exit");
    browser.kill("SIGKILL");
    await ended;
    server.closeAllConnections();
    server.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 20 });
  }
});
