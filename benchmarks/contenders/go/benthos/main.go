// Command benthos runs the engine of Redpanda Connect, Benthos v4 (MIT), on a stream as its users would configure it:
// an AMQP input, a mapping to JSON, and its http_client output. The input is our own, as thin as that of Redpanda
// Connect, whose module is not under an open-source licence: it decodes MessagePack, acks what the output has
// delivered, and requeues the rest.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/intercom-sink/intercom-sink/benchmarks/contenders/go/jobs"
)

const stream = `
input:
  msgpack_over_amqp: {}
pipeline:
  processors:
    - mapping: |
        meta path = this.path
        root = this.data
output:
  http_client:
    url: '%s${! meta("path") }'
    verb: POST
    headers:
      Authorization: Bearer %s
      Accept: application/json
      Content-Type: application/json
    timeout: 30s
    max_in_flight: %d
logger:
  level: ERROR
`

type input struct {
	job        jobs.Job
	deliveries <-chan amqp.Delivery
}

func (i *input) Connect(context.Context) (err error) {
	i.deliveries, err = i.job.Consume()
	return err
}

func (i *input) Read(ctx context.Context) (*service.Message, service.AckFunc, error) {
	select {
	case delivery, open := <-i.deliveries:
		if !open {
			return nil, nil, service.ErrNotConnected
		}
		decoded, err := jobs.Decode(delivery.Body)
		if err != nil {
			return nil, nil, err
		}
		message := service.NewMessage(nil)
		message.SetStructuredMut(map[string]any{"path": decoded.Path, "data": decoded.Data})
		return message, acknowledge(delivery), nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func (i *input) Close(context.Context) error { return nil }

func acknowledge(delivery amqp.Delivery) service.AckFunc {
	return func(_ context.Context, err error) error {
		if err != nil {
			return delivery.Nack(false, true)
		}
		return delivery.Ack(false)
	}
}

func main() {
	job := jobs.FromEnvironment()
	// Its output uses the default transport, which keeps only two idle connections to a host.
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = job.Concurrency
	service.MustRegisterInput("msgpack_over_amqp", service.NewConfigSpec(),
		func(*service.ParsedConfig, *service.Resources) (service.Input, error) { return &input{job: job}, nil })
	builder := service.NewStreamBuilder()
	if err := builder.SetYAML(fmt.Sprintf(stream, job.ServerURL, job.Token, job.Concurrency)); err != nil {
		log.Fatal(err)
	}
	built, err := builder.Build()
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		if err := built.Run(context.Background()); err != nil {
			log.Fatal(err)
		}
	}()
	jobs.WaitForStop()
	_ = built.StopWithin(5 * time.Second)
}
