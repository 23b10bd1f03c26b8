// What the server refuses, with the stable reasons of the contract.
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";

/** A field of the request that is wrong. */
export interface Violation {
  field: string;
  problem: string;
}

/**
 * A call that failed. `reason` is one of those that proto/wordspace/v1/common.proto lists, and never
 * changes its meaning; it is empty where the error did not come from a wordspace server.
 */
export class WordspaceError extends Error {
  override readonly name: string = "WordspaceError";
  /** gRPC's code. */
  readonly code: Code;
  readonly reason: string;
  /** What the reason says more, such as `limit` and `max`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Every bad field of the request. */
  readonly violations: readonly Violation[];
  /** After how long the server says that the call may be made again: nothing was done. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, code: Code, details: Details = {}, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.reason = details.reason ?? "";
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** Words that the table does not have. */
export class UnknownWords extends WordspaceError {
  override readonly name = "UnknownWords";

  /** All of them, as far as an error has room for them. */
  get words(): string[] {
    try {
      const words: unknown = JSON.parse(this.metadata["words"] ?? "[]");
      return Array.isArray(words) ? words.map(String) : [];
    } catch {
      return [];
    }
  }
}

/** The error of a key that a table does not have, or cannot have. */
export function unknown(key: string | number): UnknownWords {
  const metadata = { words: JSON.stringify([String(key)]) };
  const details = { reason: "UNKNOWN_WORDS", metadata };
  return new UnknownWords(`key '${key}' not present`, Code.NotFound, details);
}

/** What a server tells of an error beside its code and a sentence. */
export interface Details {
  reason?: string;
  metadata?: Record<string, string>;
  violations?: Violation[];
  retryAfterMs?: number;
}

/** The error of a call that a transport gave up. */
export function told(error: unknown, address: string): WordspaceError {
  if (error instanceof WordspaceError) return error;
  const refused = ConnectError.from(error);
  const details = read(refused);
  let { code, rawMessage: message } = refused;
  // fetch has one error for whatever keeps it from a server, which says no more than that.
  if (details.reason === undefined && refused.cause instanceof TypeError) code = Code.Unavailable;
  if (code === Code.Unavailable && details.reason === undefined) {
    message = `no wordspace server answers at ${address} (\`wordspace serve\` starts one): ${message}`;
  }
  const Kind = details.reason === "UNKNOWN_WORDS" ? UnknownWords : WordspaceError;
  return new Kind(message, code, details, error);
}

/** Reads the messages of google.rpc that an error brings; what cannot be read tells nothing. */
function read(error: ConnectError): Details {
  const details: Details = {};
  for (const detail of error.details) {
    if (!("type" in detail)) continue;
    try {
      switch (detail.type) {
        case "google.rpc.ErrorInfo":
          readInfo(new BinaryReader(detail.value), details);
          break;
        case "google.rpc.BadRequest":
          details.violations = fields(detail.value, 1).map((violation) => ({
            field: text(violation, 1),
            problem: text(violation, 2),
          }));
          break;
        case "google.rpc.RetryInfo":
          details.retryAfterMs = milliseconds(fields(detail.value, 1)[0]);
          break;
        default:
      }
    } catch {
      continue;
    }
  }
  return details;
}

function readInfo(reader: BinaryReader, details: Details): void {
  const metadata: Record<string, string> = {};
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) details.reason = reader.string();
    else if (field === 3) {
      const entry = reader.bytes();
      metadata[text(entry, 1)] = text(entry, 2);
    } else reader.skip(wire, field);
  }
  details.metadata = metadata;
}

/** The values of a field that is a message or a text. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === wanted) values.push(reader.bytes());
    else reader.skip(wire, field);
  }
  return values;
}

function text(message: Uint8Array, field: number): string {
  const [value] = fields(message, field);
  return value === undefined ? "" : new TextDecoder().decode(value);
}

/** Of a google.protobuf.Duration. */
function milliseconds(duration: Uint8Array | undefined): number {
  if (duration === undefined) return 0;
  const reader = new BinaryReader(duration);
  let sum = 0;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1) sum += Number(reader.int64()) * 1_000;
    else if (field === 2) sum += reader.int32() / 1e6;
    else reader.skip(wire, field);
  }
  return sum;
}
