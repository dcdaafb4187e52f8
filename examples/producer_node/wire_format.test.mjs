// Runs the test vectors: WIRE_FORMAT=.../docs/wire-format.json node --test
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { decode } from '@msgpack/msgpack';
import { body, parse, properties } from './message.mjs';

const vectors = JSON.parse(readFileSync(process.env.WIRE_FORMAT ?? '../../docs/wire-format.json', 'utf8'));

function untagged(value) {
  if (value === null || typeof value !== 'object') return value;
  if ('$integer' in value) return BigInt(value.$integer);
  if ('$repeat' in value && typeof value.$repeat === 'string') return value.$repeat.repeat(value.count);
  if ('$repeat' in value) return Array(value.count).fill(untagged(value.$repeat));
  if (Array.isArray(value)) return value.map(untagged);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untagged(item)]));
}

function bytes({ hex, then }) {
  return Buffer.from(hex + (then ? then.hex.repeat(then.count) : ''), 'hex');
}

for (const vector of vectors.valid) {
  test(`valid: ${vector.name}`, () => {
    const request = untagged(vector.request);
    // Numbers keep integers up to 2^53; a BigInt needs this option.
    const options = { useBigInt64: typeof request.data === 'bigint' };
    assert.deepEqual(body(request, options), bytes(vector));
    assert.deepEqual(decode(bytes(vector), options), request);
  });
}

for (const vector of vectors.other_encodings) {
  test(`other encoding: ${vector.name}`, () => {
    const { method, ...rest } = decode(bytes(vector));
    assert.deepEqual({ method: method.toUpperCase(), ...rest }, untagged(vector.request));
  });
}

for (const vector of vectors.properties) {
  test(`properties: ${vector.name}`, () => {
    const made = properties(vector.message);
    assert.ok(made.mandatory === vectors.amqp.mandatory && made.persistent);
    assert.equal(made.contentType, vectors.amqp.content_type);
    assert.deepEqual(made.headers, vector.headers);
    assert.equal(made.messageId, vector.properties.message_id ?? made.messageId);
    assert.equal(made.timestamp, vector.properties.timestamp ?? made.timestamp);
  });
}

test('integers up to 2^53 are read, and others are refused', () => {
  const line = '{"method": "PUT", "path": "/", "data": [9007199254740991, -9007199254740991, 0.5]}';
  assert.deepEqual(parse(line).data, [2 ** 53 - 1, 1 - 2 ** 53, 0.5]);
  for (const text of ['9007199254740993', '-9007199254740993', '18446744073709551615']) {
    assert.throws(() => parse(`{"data": {"external_id": ${text}}}`), /external_id is an integer beyond 2\^53/);
  }
});
