// Package jobs reads a contender's job from the environment, and its messages from RabbitMQ.
package jobs

import (
	"log"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/vmihailenco/msgpack/v5"
)

// Job is the work of one contender; benchmarks/contenders/__init__.py sets the variables.
type Job struct {
	BrokerURL   string
	Queue       string
	ServerURL   string
	Token       string
	Concurrency int
}

// Message is one request.
type Message struct {
	Method string `msgpack:"method"`
	Path   string `msgpack:"path"`
	Data   any    `msgpack:"data"`
}

// FromEnvironment reads the job.
func FromEnvironment() Job {
	concurrency, err := strconv.Atoi(os.Getenv("BENCH_CONCURRENCY"))
	if err != nil {
		log.Fatal(err)
	}
	return Job{
		BrokerURL:   os.Getenv("BENCH_BROKER_URL"),
		Queue:       os.Getenv("BENCH_QUEUE"),
		ServerURL:   os.Getenv("BENCH_SERVER_URL"),
		Token:       os.Getenv("BENCH_TOKEN"),
		Concurrency: concurrency,
	}
}

// Consume starts a consumer. It prefetches twice the concurrency, so that the next messages are there when a request
// ends.
func (job Job) Consume() (<-chan amqp.Delivery, error) {
	connection, err := amqp.Dial(job.BrokerURL)
	if err != nil {
		return nil, err
	}
	channel, err := connection.Channel()
	if err != nil {
		return nil, err
	}
	if err := channel.Qos(2*job.Concurrency, 0, false); err != nil {
		return nil, err
	}
	return channel.Consume(job.Queue, "", false, false, false, false, nil)
}

// Decode reads the body of a delivery.
func Decode(body []byte) (Message, error) {
	var message Message
	err := msgpack.Unmarshal(body, &message)
	return message, err
}

// WaitForStop returns at SIGTERM or SIGINT.
func WaitForStop() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	<-stop
}
