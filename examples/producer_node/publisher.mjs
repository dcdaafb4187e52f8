// Publishes to one queue; each message is persistent, mandatory and confirmed.
import amqp from 'amqplib';
import { body, properties } from './message.mjs';

const CONFIRM_TIMEOUT = 30_000; // milliseconds; a broker with a memory or disk alarm confirms nothing

export class Publisher {
  #connection;
  #channel;
  #queue;
  #unconfirmed = new Set(); // in the order of publishing

  static async connect(url, queue) {
    const publisher = new Publisher();
    publisher.#queue = queue;
    publisher.#connection = await amqp.connect(url);
    publisher.#connection.on('error', () => {}); // each message that it takes along is rejected by its own callback
    publisher.#channel = await publisher.#connection.createConfirmChannel();
    publisher.#channel.on('error', () => {});
    publisher.#channel.on('return', (message) => publisher.#markReturned(message));
    return publisher;
  }

  // A return does not say which message it is. Of several with the same id and body it does not matter which one.
  #markReturned({ content, properties: { messageId } }) {
    for (const sent of this.#unconfirmed) {
      if (!sent.isReturned && sent.messageId === messageId && sent.content.equals(content)) {
        sent.isReturned = true;
        return;
      }
    }
  }

  // Resolves to the message's id once the broker has it. Rejects if there is no such queue; or if the message was not
  // confirmed: then it may be in the queue nevertheless, and publishing it again may make a duplicate.
  publish(message) {
    const [content, options] = [body(message), properties(message)];
    const sent = { messageId: options.messageId, content, isReturned: false };
    return new Promise((resolve, reject) => {
      this.#channel.publish('', this.#queue, content, options, (error) => {
        clearTimeout(timer);
        this.#unconfirmed.delete(sent);
        // A message that is returned is confirmed as well, after its return.
        if (error) reject(new Error(`not confirmed: ${error.message}`));
        else if (sent.isReturned) reject(new Error(`there is no queue ${this.#queue}`));
        else resolve(options.messageId);
      });
      this.#unconfirmed.add(sent);
      const timer = setTimeout(() => reject(new Error('not confirmed in time')), CONFIRM_TIMEOUT);
    });
  }

  async close() {
    await this.#connection.close();
  }
}
