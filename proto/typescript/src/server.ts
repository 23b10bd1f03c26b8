// A server of one's own, for scripts and tests: a process that ends with this one.
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_MS = 60_000;
const CLOSE_MS = 30_000;
/** Lines of the server's messages that are kept, to tell why it ended. */
const LINES_KEPT = 200;

// Runs the server as a child, and ends it when standard input closes: then the process that started it
// is gone, however it went, SIGKILL included.
const WATCHED = `
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
(read -r _ <&3; kill "$server") 2>/dev/null & watcher=$!
exec 3<&-
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** How a server is started. */
export interface ServerOptions {
  /** The program; default $WORDSPACE_BINARY, else `wordspace` on the PATH. */
  binary?: string;
  /** Further arguments of `wordspace serve`. */
  args?: string[];
}

/** A running server with its data folder, at a free port of this machine. */
export class Server {
  readonly address: string;
  readonly #process: ChildProcess;
  readonly #temporary: string | undefined;
  #closing: Promise<void> | undefined;

  private constructor(process: ChildProcess, address: string, temporary: string | undefined) {
    this.#process = process;
    this.address = address;
    this.#temporary = temporary;
  }

  static async start(folder?: string, options: ServerOptions = {}): Promise<Server> {
    const temporary =
      folder === undefined ? await mkdtemp(join(tmpdir(), "wordspace-")) : undefined;
    const data = folder ?? join(temporary as string, "data");
    const binary = options.binary ?? process.env["WORDSPACE_BINARY"] ?? "wordspace";
    const command = [binary, "serve", "--data", data, "--listen", "127.0.0.1:0"];
    command.push(...(options.args ?? []));
    const started = spawned(command);
    try {
      return new Server(started, await listening(started, binary), temporary);
    } catch (error) {
      if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /** Ends the server; what was acknowledged stays in its folder. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const child = this.#process;
    if (child.exitCode === null && child.signalCode === null) {
      child.ref();
      const ended = new Promise((resolve) => child.once("exit", resolve));
      const late = setTimeout(() => child.kill("SIGKILL"), CLOSE_MS);
      if (child.stdin === null) child.kill();
      else child.stdin.end();
      await ended;
      clearTimeout(late);
    }
    if (this.#temporary !== undefined) await rm(this.#temporary, { recursive: true, force: true });
  }
}

function spawned(command: string[]): ChildProcess {
  const [program, ...args] = command;
  try {
    accessSync("/bin/sh", constants.X_OK);
  } catch {
    return spawn(program as string, args, { stdio: ["ignore", "ignore", "pipe"] });
  }
  // A process group of its own: Ctrl-C at a terminal stops the question and not the server.
  return spawn("/bin/sh", ["-c", WATCHED, "wordspace", ...command], {
    stdio: ["pipe", "ignore", "pipe"],
    detached: true,
  });
}

/** Lets this process end without `close`; the server then ends with it. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stderr]) (stream as Socket | null)?.unref();
}

function listening(child: ChildProcess, binary: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const messages: string[] = [];
    const failed = (why: string): void => {
      clearTimeout(late);
      child.stdin?.end();
      const advice = `${binary} is $WORDSPACE_BINARY, the option \`binary\`, or on the PATH`;
      reject(new Error(`the server did not start: ${why} (${advice})`));
    };
    const late = setTimeout(() => failed(`nothing was heard for ${START_MS / 1_000} s`), START_MS);
    child.once("error", (error) => failed(error.message));
    child.once("exit", () => setImmediate(() => failed(messages.join("\n") || "it ended")));
    if (child.stderr === null) return failed("it has no standard error");
    // Read to its end, so that the server never waits for a reader.
    createInterface({ input: child.stderr }).on("line", (line) => {
      messages.push(line);
      if (messages.length > LINES_KEPT) messages.shift();
      const mark = "listening on ";
      if (line.startsWith(mark)) {
        clearTimeout(late);
        letGo(child);
        resolve(line.slice(mark.length).trim());
      }
    });
  });
}
