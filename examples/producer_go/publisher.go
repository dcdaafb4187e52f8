package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Window is how many messages wait for their confirms, at most.
const Window = 500

// Publisher publishes to one queue; each message is persistent, mandatory and confirmed. Any number of goroutines may
// use it.
type Publisher struct {
	queue      string
	connection *amqp.Connection
	channel    *amqp.Channel
	returns    chan amqp.Return
	lock       sync.Mutex
}

// Connect opens a connection.
func Connect(url, queue string) (*Publisher, error) {
	connection, err := amqp.Dial(url)
	if err != nil {
		return nil, err
	}
	channel, err := connection.Channel()
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	// It has room for the whole window, so that a return can wait there until the confirms are in.
	returns := channel.NotifyReturn(make(chan amqp.Return, Window))
	return &Publisher{queue: queue, connection: connection, channel: channel, returns: returns}, nil
}

// Publish returns how many messages, from the first on, the broker has confirmed: all, if there is no error. Those after
// them may be in the queue nevertheless, and publishing them again may make duplicates.
//
// After an error, close the publisher and connect again. The context bounds how long it waits: a broker with a memory or
// disk alarm confirms nothing.
func (publisher *Publisher) Publish(ctx context.Context, messages []Message) (int, error) {
	publisher.lock.Lock()
	defer publisher.lock.Unlock()
	confirmed := 0
	for first := 0; first < len(messages); first += Window {
		window := messages[first:min(first+Window, len(messages))]
		count, err := publisher.publishWindow(ctx, window)
		confirmed += count
		if err != nil {
			return confirmed, err
		}
	}
	return confirmed, nil
}

func (publisher *Publisher) publishWindow(ctx context.Context, messages []Message) (int, error) {
	confirms := make([]*amqp.DeferredConfirmation, len(messages))
	for index, message := range messages {
		publishing, err := message.Publishing()
		if err != nil {
			return 0, err
		}
		confirms[index], err = publisher.channel.PublishWithDeferredConfirmWithContext(
			ctx, "", publisher.queue, true, false, publishing)
		if err != nil {
			return 0, err
		}
	}
	for index, confirm := range confirms {
		if acked, err := confirm.WaitContext(ctx); err != nil {
			return index, fmt.Errorf("not confirmed: %w", err)
		} else if !acked {
			return index, errors.New("not confirmed: the broker refuses the message, or the connection is lost")
		}
	}
	// A message that is returned is confirmed as well, after its return.
	select {
	case returned := <-publisher.returns:
		return 0, fmt.Errorf("there is no queue %s (%s)", publisher.queue, returned.ReplyText)
	default:
		return len(messages), nil
	}
}

// Close closes the connection.
func (publisher *Publisher) Close() error {
	return publisher.connection.Close()
}
