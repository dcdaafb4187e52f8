package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/vmihailenco/msgpack/v5"
)

// Request is the body of a message:
// https://github.com/intercom-sink/intercom-sink/blob/HEAD/docs/wire-format.md
type Request struct {
	Method string `json:"method" msgpack:"method"`
	Path   string `json:"path"   msgpack:"path"`
	// Data is nil, or what JSON can say. A time.Time would become a msgpack extension, which the sink refuses:
	// Intercom wants Unix seconds.
	Data any `json:"data" msgpack:"data"`
}

// Message is a request, and what its producer says of it; all but the request is optional.
type Message struct {
	Request
	OrderingKey string `json:"ordering_key"`
	MessageID   string `json:"message_id"`
	Timestamp   int64  `json:"timestamp"` // Unix seconds; 0: now
	TraceParent string `json:"traceparent"`
	TraceState  string `json:"tracestate"`
}

// Pack makes the body of a message. Inner maps are sorted by their keys, so that equal requests have equal bytes.
func (request Request) Pack() ([]byte, error) {
	var body bytes.Buffer
	encoder := msgpack.NewEncoder(&body)
	encoder.UseCompactInts(true)
	encoder.SetSortMapKeys(true)
	err := encoder.Encode(request)
	return body.Bytes(), err
}

// Publishing makes the message as AMQP carries it.
func (message Message) Publishing() (amqp.Publishing, error) {
	body, err := message.Pack()
	if err != nil {
		return amqp.Publishing{}, err
	}
	headers := amqp.Table{}
	for name, value := range map[string]string{
		"x-ordering-key": message.OrderingKey,
		"traceparent":    message.TraceParent,
		"tracestate":     message.TraceState,
	} {
		if value != "" {
			headers[name] = value
		}
	}
	id, moment := message.MessageID, time.Now()
	if id == "" {
		id = rand.Text()
	}
	if message.Timestamp != 0 {
		moment = time.Unix(message.Timestamp, 0)
	}
	return amqp.Publishing{
		DeliveryMode: amqp.Persistent,
		ContentType:  "application/msgpack",
		MessageId:    id,
		Timestamp:    moment,
		Headers:      headers,
		Body:         body,
	}, nil
}

// ReadMessages reads JSON values, one for each message; integers stay integers.
func ReadMessages(input io.Reader) ([]Message, error) {
	decoder := json.NewDecoder(input)
	decoder.UseNumber()
	var messages []Message
	for {
		var message Message
		if err := decoder.Decode(&message); err == io.EOF {
			return messages, nil
		} else if err != nil {
			return nil, fmt.Errorf("message %d: %w", len(messages)+1, err)
		}
		if message.Method == "" || message.Path == "" {
			return nil, fmt.Errorf("message %d: has no method or no path", len(messages)+1)
		}
		data, err := withNumbers(message.Data)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", len(messages)+1, err)
		}
		message.Data = data
		messages = append(messages, message)
	}
}

// withNumbers replaces each json.Number, which msgpack would take for text.
func withNumbers(value any) (any, error) {
	var err error
	switch value := value.(type) {
	case json.Number:
		text := value.String()
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number, nil
		}
		if number, err := strconv.ParseUint(text, 10, 64); err == nil {
			return number, nil
		}
		return strconv.ParseFloat(text, 64)
	case []any:
		for index := range value {
			if value[index], err = withNumbers(value[index]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range value {
			if value[key], err = withNumbers(value[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}
