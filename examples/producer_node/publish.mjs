// Publishes JSON lines from standard input: node publish.mjs < messages.jsonl
// {"method": "POST", "path": "/contacts", "data": {...}, "ordering_key": "contact-42"}
import { createInterface } from 'node:readline';
import { parse } from './message.mjs';
import { Publisher } from './publisher.mjs';

const WINDOW = 500; // messages that are waiting for their confirms, at most

const publisher = await Publisher.connect(process.env.CJW_RABBITMQ_HOST, process.env.CJW_INTERCOM_QUEUE_NAME);
let count = 0;
let number = 0;
let window = [];
const confirm = async () => {
  count += (await Promise.all(window)).length;
  window = [];
};
try {
  for await (const line of createInterface({ input: process.stdin })) {
    number += 1;
    let published;
    try {
      published = publisher.publish(parse(line));
    } catch (error) {
      await confirm(); // the lines before it
      throw new Error(`line ${number}: ${error.message}`);
    }
    published.catch(() => {}); // it may be rejected before anything awaits it; `confirm` throws then
    window.push(published);
    if (window.length === WINDOW) await confirm();
  }
  await confirm();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  console.log(`${count} messages are confirmed`);
  await publisher.close();
}
