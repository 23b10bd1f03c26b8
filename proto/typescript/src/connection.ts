// The services of a server: deadlines, retries, errors.
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  type CallOptions,
  type Client,
  Code,
  type Interceptor,
  type Transport,
  createClient,
} from "@connectrpc/connect";
import { WordspaceError, told } from "./errors.js";
import {
  AdminService,
  BatchService,
  BiasService,
  EvaluationService,
  JobService,
  LanguageModelService,
  SearchService,
  TableService,
  TextService,
  TrainingService,
  TransferService,
} from "./gen/index.js";

/** Where `wordspace serve` listens. */
export const DEFAULT_SERVER = "http://127.0.0.1:50051";

/** How long a question may take where nothing else is said. */
const TIMEOUT_MS = 30_000;
/** How often a call is made at most. */
const ATTEMPTS = 6;
/** Until the next attempt, at most; each next one waits longer. */
const PAUSE_MAX_MS = 5_000;
/** Until a question is asked again whose connection broke. */
const PAUSE_MS = 100;

/** With these a server refuses before it has done anything, so that any call may be made again. */
const RETRIED = new Set(["OVERLOADED", "SHUTTING_DOWN", "TABLE_BEHIND", "TABLE_ABSENT", "CONCURRENT_WRITE"]);

/** What a method that only answers begins with: to ask twice changes nothing. */
const QUESTIONS = /^(Batch|Get|List|Lookup|Sample|Count|Facets|Health|Map)/;
const CHANGES =
  /^(Put|Delete|Set|Create|Copy|Rename|Remove|Train|Import|Export|Build|Cancel|Seed|Debias|Merge|Backup|Restore|Verify|Watch)/;

const SERVICES = {
  admin: AdminService,
  batch: BatchService,
  bias: BiasService,
  evaluation: EvaluationService,
  jobs: JobService,
  languageModels: LanguageModelService,
  search: SearchService,
  tables: TableService,
  texts: TextService,
  training: TrainingService,
  transfer: TransferService,
};

/** Every method of the contract, by service. */
export type Services = {
  readonly [Name in keyof typeof SERVICES]: Client<(typeof SERVICES)[Name]>;
};

/** How a server is asked. */
export interface ConnectOptions {
  /** The deadline of each question; null for none. Default 30,000. Streams have none. */
  timeoutMs?: number | null;
  /** The key that every call brings. */
  apiKey?: string;
  /** Further headers of every call, such as `wordspace-min-generation`. */
  headers?: Record<string, string>;
}

/** What goes with every call. */
export function interceptors(options: ConnectOptions): Interceptor[] {
  const headers = Object.entries(options.headers ?? {});
  if (options.apiKey) headers.push(["authorization", `Bearer ${options.apiKey}`]);
  if (headers.length === 0) return [];
  return [
    (next) => (request) => {
      for (const [name, value] of headers) {
        if (!request.header.has(name)) request.header.set(name, value);
      }
      return next(request);
    },
  ];
}

/** The services behind a transport. */
export function services(
  transport: Transport,
  address: string,
  timeoutMs: number | null = TIMEOUT_MS,
): Services {
  const made = Object.entries(SERVICES).map(([name, service]) => {
    const client = createClient(service as DescService, transport) as Record<string, Method>;
    const methods = service.methods.map((method) => {
      const call = client[method.localName] as Method;
      return [method.localName, around(method, call, address, timeoutMs)];
    });
    return [name, Object.fromEntries(methods)];
  });
  return Object.fromEntries(made) as Services;
}

type Method = (request: never, options?: CallOptions) => unknown;

function around(
  method: DescMethod,
  call: Method,
  address: string,
  timeoutMs: number | null,
): Method {
  if (method.methodKind === "unary") {
    const isQuestion = mayBeAskedAgain(method);
    return (request, options) =>
      asked(call, request, { timeoutMs: timeoutMs ?? undefined, ...options }, address, isQuestion);
  }
  return async function* (request, options) {
    try {
      yield* call(request, options) as AsyncIterable<unknown>;
    } catch (error) {
      throw told(error, address);
    }
  };
}

function mayBeAskedAgain(method: DescMethod): boolean {
  if (method.parent.name === "SearchService" || QUESTIONS.test(method.name)) return true;
  return !CHANGES.test(method.name);
}

async function asked(
  call: Method,
  request: never,
  options: CallOptions,
  address: string,
  isQuestion: boolean,
): Promise<unknown> {
  const end = options.timeoutMs === undefined ? Infinity : performance.now() + options.timeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const left = end - performance.now();
      const timeoutMs = Number.isFinite(left) ? Math.max(Math.ceil(left), 1) : undefined;
      return await call(request, { ...options, timeoutMs });
    } catch (refused) {
      const error = told(refused, address);
      const pause = attempt < ATTEMPTS ? pauseMs(error, attempt, isQuestion) : undefined;
      const isOver = pause === undefined || performance.now() + pause >= end;
      if (isOver || options.signal?.aborted) throw error;
      await slept(pause, options.signal);
    }
  }
}

/** How long to wait before a call is made again; undefined if it should not be. */
function pauseMs(error: WordspaceError, attempt: number, isQuestion: boolean): number | undefined {
  // Callers that were refused together should not come back together.
  const chance = 0.5 + Math.random() / 2;
  if (RETRIED.has(error.reason) && error.retryAfterMs !== undefined) {
    return Math.min(error.retryAfterMs * 2 ** (attempt - 1), PAUSE_MAX_MS) * chance;
  }
  // The connection broke, or could not be made.
  const isLost = error.code === Code.Unavailable && error.reason === "";
  if (isLost && isQuestion) return Math.min(PAUSE_MS * 3 ** (attempt - 1), PAUSE_MAX_MS) * chance;
  return undefined;
}

function slept(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}
