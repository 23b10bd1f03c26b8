// Answers equal gensim's: order equal, values within 1e-5. proto/python/tests/golden.py made them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type RemoteKeyedVectors, UnknownWords } from "wordspace";
import { ROOT, another, client } from "./support.js";

interface Case {
  method: string;
  args: unknown[];
  kwargs: Record<string, unknown>;
  answer?: unknown;
  error?: string;
}

const { cases } = JSON.parse(
  readFileSync(`${ROOT}proto/python/tests/golden.json`, "utf8"),
) as { cases: Case[] };

/** What this client does not offer, each with its reason. */
function leftOut({ method, args, kwargs }: Case): string | undefined {
  if (kwargs["topn"] === null) return "similarities with all words";
  if (method === "distances" && args.length === 1) return "similarities with all words";
  const [positive, negative] = args as [unknown[]?, unknown[]?];
  if (method === "most_similar_cosmul" && !(positive?.length === 2 && negative?.length === 1)) {
    return "the product of other numbers of words";
  }
  if (method === "rank_by_centrality" && kwargs["use_norm"] === false) return "vectors as they are";
  if (method === "closer_than" && args[1] === "democracy") return "more than 10,000 words";
  if (method === "get_vecattr" && args[0] === "king") return "undefined, where gensim has an error";
  if (method === "get_mean_vector" && JSON.stringify(args[1]) === "[1,2]") return "weights stand with keys";
  if (method === "get_index" && "default" in kwargs) return "hasIndexFor tells";
  if (method === "n_similarity" && String(args[0]) === "no such word") return "zero vectors";
  return undefined;
}

const NAMES: Record<string, string> = { __getitem__: "getVectors", __contains__: "has", __len__: "size" };

function camel(name: string): string {
  return NAMES[name] ?? name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The argument that a value of the file stands for. */
async function restored(wv: RemoteKeyedVectors, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((one) => restored(wv, one)));
  if (value === null || typeof value !== "object") return value;
  const { vector, pair } = value as { vector?: string; pair?: [unknown, number] };
  if (vector !== undefined) return wv.getVector(vector);
  if (pair !== undefined) return { of: await restored(wv, pair[0]), weight: pair[1] };
  return value;
}

async function asked(wv: RemoteKeyedVectors, { method, args, kwargs }: Case): Promise<unknown> {
  if (method === "__getitem__" && typeof args[0] === "string") return wv.getVector(args[0]);
  const positional: unknown[] = await Promise.all(args.map((one) => restored(wv, one)));
  const options: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(kwargs)) options[camel(name)] = await restored(wv, value);
  if (method.startsWith("most_similar") && method !== "most_similar_to_given") {
    if (positional.length > 1) options["negative"] = positional[1];
    const positive = positional[0] ?? options["positive"] ?? [];
    return wv[camel(method) as "mostSimilar"](positive as never, options);
  }
  if (method === "similar_by_word" || method === "similar_by_vector") {
    if (positional.length > 1) options["topn"] = positional[1];
    if (positional.length > 2) options["restrictVocab"] = positional[2];
    return wv[camel(method) as "similarByWord"](positional[0] as never, options);
  }
  if (method === "get_mean_vector" && positional.length > 1) {
    const weights = positional[1] as number[];
    const keys = positional[0] as string[];
    return wv.getMeanVector(keys.map((of, i) => ({ of, weight: weights[i] as number })), options);
  }
  if (method === "relative_cosine_similarity" && options["topn"]) positional.push(options["topn"]);
  const call = wv[camel(method) as "rank"].bind(wv) as (...all: unknown[]) => Promise<unknown>;
  return call(...positional, ...(Object.keys(options).length > 0 ? [options] : []));
}

function close(told: unknown, wanted: unknown): boolean {
  if (told instanceof Float32Array) return close([...told], wanted);
  if (typeof wanted === "number") return Math.abs((told as number) - wanted) <= 1e-5;
  if (Array.isArray(wanted)) {
    return Array.isArray(told) && told.length === wanted.length && wanted.every((one, i) => close(told[i], one));
  }
  if (wanted !== null && typeof wanted === "object") {
    const { len, head, tail } = wanted as { len: number; head: unknown[]; tail: unknown[] };
    const all = [...(told as Iterable<unknown>)];
    return all.length === len && close(all.slice(0, 8), head) && close(all.slice(-8), tail);
  }
  return told === wanted;
}

for (const protocol of ["grpc", "grpc-web"] as const) {
  test(`every answer and error is gensim's, over ${protocol}`, async () => {
    await client();
    const wv = await (await another({ protocol })).load("en");
    let count = 0;
    for (const one of cases) {
      if (leftOut(one) !== undefined) continue;
      count += 1;
      const what = JSON.stringify([one.method, one.args, one.kwargs]);
      if (one.error === undefined) {
        const told = await asked(wv, one);
        assert.ok(close(told, one.answer), `${what}: ${JSON.stringify(told)}`);
      } else {
        const isUnknown = one.error === "KeyError";
        const check = (error: unknown): boolean => !isUnknown || error instanceof UnknownWords;
        await assert.rejects(() => asked(wv, one), check, what);
      }
    }
    assert.ok(count >= 85, `${count} of ${cases.length} cases were asked`);
  });
}
