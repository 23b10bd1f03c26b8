// Keys, vectors and attributes as the contract's messages, and back.
import type { DescMessage, Message, MessageInitShape } from "@bufbuild/protobuf";
import { unknown } from "./errors.js";
import type { AttributeValue, AttributeValueSchema, WordOrVectorSchema } from "./gen/index.js";

/** The fields of a message as a plain object, each of which may be left out. */
export type Fields<Schema extends DescMessage> = Exclude<MessageInitShape<Schema>, Message>;
/** A word, or the number of its row. */
export type Key = string | number;
/** A vector of one's own. */
export type VectorLike = Float32Array | readonly number[];
/** What a question is about: a word, a row, a vector, or one of these with its weight. */
export type Input = Key | VectorLike | Weighted;
/** An input that counts more or less than others. */
export interface Weighted {
  of: Key | VectorLike;
  weight: number;
}
/** One input alone: an array is a list of inputs, so a vector is a Float32Array there, or stands in a list. */
export type One = Key | Float32Array | Weighted;
/** A value of an attribute. Dates have no more than milliseconds here. */
export type Attribute = string | number | bigint | boolean | Date | Attribute[];

type Query = Fields<typeof WordOrVectorSchema>;

export function isKey(input: unknown): input is Key {
  return typeof input === "string" || typeof input === "number";
}

export function isWeighted(input: Input): input is Weighted {
  return typeof input === "object" && "weight" in input;
}

/** One input, or several. */
export function inputs(given: One | readonly Input[] | undefined): readonly Input[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? given : [given as One];
}

export function query(input: Input, weight?: number): Query {
  if (isWeighted(input)) return query(input.of, input.weight === 1 ? undefined : input.weight);
  if (typeof input === "string") return { query: { case: "word", value: input }, weight };
  if (typeof input === "number") {
    if (!Number.isInteger(input) || input < 0 || input > 0xffff_ffff) throw unknown(input);
    return { query: { case: "row", value: input }, weight };
  }
  return { query: { case: "vector", value: { packed: packed(input) } }, weight };
}

const IS_LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** A vector as the bytes that the wire has. */
export function packed(vector: VectorLike): Uint8Array {
  const floats = vector instanceof Float32Array ? vector : Float32Array.from(vector);
  if (IS_LITTLE) return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  const bytes = new DataView(new ArrayBuffer(4 * floats.length));
  floats.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
  return new Uint8Array(bytes.buffer);
}

/** The vector that the wire's bytes are. */
export function unpacked(bytes: Uint8Array): Float32Array {
  // Copied: what arrives begins anywhere in a message, and floats do not.
  const copy = bytes.slice();
  if (IS_LITTLE) return new Float32Array(copy.buffer, 0, copy.length / 4);
  const view = new DataView(copy.buffer);
  return Float32Array.from({ length: copy.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`vectors of ${a.length} and ${b.length} numbers`);
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** Of length 1; zeros stay. */
export function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector));
  return length > 0 ? vector.map((value) => value / length) : vector;
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

export function attribute(value: Attribute): Fields<typeof AttributeValueSchema> {
  if (Array.isArray(value)) {
    return { value: { case: "list", value: { values: value.map(attribute) } } };
  }
  if (value instanceof Date) return { value: { case: "date", value: value.toISOString() } };
  switch (typeof value) {
    case "string":
      return { value: { case: "text", value } };
    case "boolean":
      return { value: { case: "flag", value } };
    case "bigint":
      return { value: { case: "integer", value } };
    case "number":
      return Number.isSafeInteger(value)
        ? { value: { case: "integer", value: BigInt(value) } }
        : { value: { case: "number", value } };
    default:
      throw new TypeError(`an attribute is no ${typeof value}`);
  }
}

export function attributeValue({ value }: AttributeValue): Attribute {
  switch (value.case) {
    case "list":
      return value.value.values.map(attributeValue);
    case "date":
      return new Date(value.value);
    case "integer":
      return Number.isSafeInteger(Number(value.value)) ? Number(value.value) : value.value;
    case undefined:
      throw new TypeError("an attribute of a kind that this client does not know");
    default:
      return value.value;
  }
}
