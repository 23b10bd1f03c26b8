// Messages of protobuf as gRPC-Web frames them: only what a file that goes to the server needs. All else is JSON.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function varint(number) {
  const bytes = [];
  // Sizes of files go beyond 32 bits.
  for (; number > 127; number = Math.floor(number / 128)) bytes.push((number % 128) | 128);
  bytes.push(number);
  return bytes;
}

const LENGTH = 2;
const lead = (field, type) => varint(field * 8 + type);

export const numberField = (field, number) => [...lead(field, 0), ...varint(number)];
export const bytesField = (field, bytes) => [...lead(field, LENGTH), ...varint(bytes.length), ...bytes];
export const textField = (field, text) => bytesField(field, [...encoder.encode(text)]);

// The head of a message of so many bytes.
const head = bytes => [0, Math.floor(bytes / 2 ** 24) & 255, (bytes >> 16) & 255, (bytes >> 8) & 255, bytes & 255];

// A message as it is sent.
export const framed = message => Uint8Array.from([...head(message.length), ...message]);

// What stands before bytes that are a field of a message by themselves.
export function headOfField(field, size) {
  const before = [...lead(field, LENGTH), ...varint(size)];
  return Uint8Array.from([...head(before.length + size), ...before]);
}

// The fields of a message: a list of values by number, each a number or bytes.
export function fields(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found = new Map();
  let at = 0;
  const number = () => {
    let [value, unit] = [0, 1];
    for (;;) {
      const byte = view.getUint8(at++);
      value += (byte & 127) * unit;
      unit *= 128;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = number();
    const [field, type] = [Math.floor(key / 8), key % 8];
    let value;
    if (type === 0) value = number();
    else if (type === 1) [value, at] = [view.getFloat64(at, true), at + 8];
    else if (type === 5) [value, at] = [view.getFloat32(at, true), at + 4];
    else {
      const size = number();
      value = bytes.subarray(at, at + size);
      at += size;
    }
    found.set(field, [...(found.get(field) || []), value]);
  }
  return found;
}

export const textOf = bytes => (bytes ? decoder.decode(bytes) : '');

// The messages of an answer, and how it ended: a code of gRPC, 0 if well, and what is said of it.
export function answerOf(buffer) {
  const messages = [];
  const end = { code: null, told: '' };
  const view = new DataView(buffer);
  for (let at = 0; at + 5 <= buffer.byteLength;) {
    const size = view.getUint32(at + 1);
    const body = new Uint8Array(buffer, at + 5, Math.min(size, buffer.byteLength - at - 5));
    if (view.getUint8(at) & 128) {
      const trailers = new Map(
        textOf(body)
          .split('\r\n')
          .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      end.code = Number(trailers.get('grpc-status'));
      try {
        end.told = decodeURIComponent(trailers.get('grpc-message') || '');
      } catch {
        end.told = trailers.get('grpc-message');
      }
    } else messages.push(body);
    at += 5 + size;
  }
  return { messages, end };
}
