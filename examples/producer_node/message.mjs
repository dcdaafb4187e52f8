// The body of a message, and its AMQP properties: https://github.com/intercom-sink/intercom-sink/blob/HEAD/docs/wire-format.md
import { randomUUID } from 'node:crypto';
import { encode } from '@msgpack/msgpack';

// A Date would become a msgpack timestamp, which the sink refuses: Intercom wants Unix seconds. Keys whose value is
// undefined are left out, as in JSON.
export function body({ method, path, data = null }, options = {}) {
  const packed = encode({ method, path, data }, { ignoreUndefined: true, ...options });
  return Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
}

// Reads a line of JSON. JSON.parse rounds integers beyond 2^53 silently, so they are refused; a program that has a
// BigInt publishes it with the option that wire_format.test.mjs shows.
export function parse(line) {
  const message = JSON.parse(line, (key, value) => {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      throw new RangeError(`${key} is an integer beyond 2^53, which JavaScript would round`);
    }
    return value;
  });
  if (!message?.method || !message.path) throw new TypeError('has no method or no path');
  return message;
}

// What one may say of a message, all of it optional: ordering_key, message_id, timestamp (Unix seconds), traceparent,
// tracestate.
export function properties(message = {}) {
  const headers = {
    'x-ordering-key': message.ordering_key,
    traceparent: message.traceparent,
    tracestate: message.tracestate,
  };
  return {
    mandatory: true, // the broker returns what no queue takes
    persistent: true,
    contentType: 'application/msgpack',
    messageId: message.message_id ?? randomUUID(),
    timestamp: message.timestamp ?? Math.floor(Date.now() / 1000),
    headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value != null)),
  };
}
