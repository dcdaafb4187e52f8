package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/vmihailenco/msgpack/v5"
)

type vector struct {
	Name    string
	Request Request
	Hex     string
	Then    struct {
		Hex   string
		Count int
	}
	Message    Message
	Properties struct {
		MessageID string `json:"message_id"`
		Timestamp int64
	}
	Headers amqp.Table
}

// readVectors reads the file that WIRE_FORMAT names, docs/wire-format.json.
func readVectors(t *testing.T) map[string][]vector {
	path := os.Getenv("WIRE_FORMAT")
	if path == "" {
		path = "../../docs/wire-format.json"
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(content, &sections); err != nil {
		t.Fatal(err)
	}
	vectors := map[string][]vector{}
	for _, name := range []string{"valid", "other_encodings", "properties"} {
		decoder := json.NewDecoder(bytes.NewReader(sections[name]))
		decoder.UseNumber()
		var section []vector
		if err := decoder.Decode(&section); err != nil || len(section) == 0 {
			t.Fatal(name, err)
		}
		vectors[name] = section
	}
	return vectors
}

func (v vector) request(t *testing.T) Request {
	data, err := withNumbers(untagged(v.Request.Data))
	if err != nil {
		t.Fatal(err)
	}
	return Request{v.Request.Method, v.Request.Path, data}
}

func (v vector) body(t *testing.T) []byte {
	body, err := hex.DecodeString(v.Hex + strings.Repeat(v.Then.Hex, v.Then.Count))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func untagged(value any) any {
	switch value := value.(type) {
	case []any:
		for index := range value {
			value[index] = untagged(value[index])
		}
	case map[string]any:
		if digits, ok := value["$integer"].(string); ok {
			return json.Number(digits)
		}
		if count, ok := value["count"].(json.Number); ok {
			number, _ := strconv.Atoi(count.String())
			if text, ok := value["$repeat"].(string); ok {
				return strings.Repeat(text, number)
			}
			items := make([]any, number)
			for index := range items {
				items[index] = untagged(value["$repeat"])
			}
			return items
		}
		for key := range value {
			value[key] = untagged(value[key])
		}
	}
	return value
}

// decode reads a message into the types that JSON has, so that equal values are equal.
func decode(t *testing.T, body []byte) Request {
	decoder := msgpack.NewDecoder(bytes.NewReader(body))
	decoder.UseLooseInterfaceDecoding(true)
	var request Request
	if err := decoder.Decode(&request); err != nil {
		t.Fatal(err)
	}
	request.Method = strings.ToUpper(request.Method)
	return request
}

// asJSON compares numbers by their value, whatever their type.
func asJSON(t *testing.T, request Request) string {
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestValid(t *testing.T) {
	for _, v := range readVectors(t)["valid"] {
		t.Run(v.Name, func(t *testing.T) {
			packed, err := v.request(t).Pack()
			if err != nil || !bytes.Equal(packed, v.body(t)) {
				t.Errorf("packed as %.80x, not %.80x: %v", packed, v.body(t), err)
			}
			if got, want := asJSON(t, decode(t, v.body(t))), asJSON(t, v.request(t)); got != want {
				t.Errorf("read as %.200s, not %.200s", got, want)
			}
		})
	}
}

func TestOtherEncodings(t *testing.T) {
	for _, v := range readVectors(t)["other_encodings"] {
		t.Run(v.Name, func(t *testing.T) {
			if got, want := asJSON(t, decode(t, v.body(t))), asJSON(t, v.request(t)); got != want {
				t.Errorf("read as %.200s, not %.200s", got, want)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	for _, v := range readVectors(t)["properties"] {
		t.Run(v.Name, func(t *testing.T) {
			made, err := v.Message.Publishing()
			if err != nil {
				t.Fatal(err)
			}
			if made.DeliveryMode != amqp.Persistent || made.ContentType != "application/msgpack" {
				t.Error(made.DeliveryMode, made.ContentType)
			}
			if !reflect.DeepEqual(made.Headers, v.Headers) {
				t.Error(made.Headers, v.Headers)
			}
			if id := v.Properties.MessageID; made.MessageId == "" || (id != "" && made.MessageId != id) {
				t.Error(made.MessageId)
			}
			if moment := v.Properties.Timestamp; moment != 0 && made.Timestamp.Unix() != moment {
				t.Error(made.Timestamp)
			}
		})
	}
}
