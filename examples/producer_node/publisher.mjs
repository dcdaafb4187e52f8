// Publishes to one queue; each message is persistent, mandatory and confirmed.
import amqp from 'amqplib';
import { body, properties } from './message.mjs';

const CONFIRM_TIMEOUT = 30_000; // milliseconds; a broker with a memory or disk alarm confirms nothing

export class Publisher {
  #connection;
  #channel;
  #queue;
  #returned = new Set();

  static async connect(url, queue) {
    const publisher = new Publisher();
    publisher.#queue = queue;
    publisher.#connection = await amqp.connect(url);
    publisher.#connection.on('error', () => {}); // each message that it takes along is rejected by its own callback
    publisher.#channel = await publisher.#connection.createConfirmChannel();
    publisher.#channel.on('error', () => {});
    publisher.#channel.on('return', (message) => publisher.#returned.add(message.properties.messageId));
    return publisher;
  }

  // Resolves to the message's id once the broker has it. Rejects if there is no such queue; or if the message was not
  // confirmed: then it may be in the queue nevertheless, and publishing it again may make a duplicate.
  publish(message) {
    const [content, options] = [body(message), properties(message)];
    return new Promise((resolve, reject) => {
      this.#channel.publish('', this.#queue, content, options, (error) => {
        clearTimeout(timer);
        // A message that is returned is confirmed as well, after its return.
        if (error) reject(new Error(`not confirmed: ${error.message}`));
        else if (this.#returned.delete(options.messageId)) reject(new Error(`there is no queue ${this.#queue}`));
        else resolve(options.messageId);
      });
      const timer = setTimeout(() => reject(new Error('not confirmed in time')), CONFIRM_TIMEOUT);
    });
  }

  async close() {
    await this.#connection.close();
  }
}
