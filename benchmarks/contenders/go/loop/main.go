// Command loop is the usual loop in Go: amqp091-go and net/http, with as many goroutines as requests may be in flight.
// Each takes the next delivery, sends it, and acks it after a 2xx; after anything else it requeues the message.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/intercom-sink/intercom-sink/benchmarks/contenders/go/jobs"
)

type sender struct {
	job    jobs.Job
	client http.Client
}

func main() {
	job := jobs.FromEnvironment()
	transport := &http.Transport{MaxIdleConnsPerHost: job.Concurrency}
	sender := &sender{job, http.Client{Transport: transport, Timeout: 30 * time.Second}}
	deliveries, err := job.Consume()
	if err != nil {
		log.Fatal(err)
	}
	for range job.Concurrency {
		go sender.work(deliveries)
	}
	jobs.WaitForStop()
}

func (s *sender) work(deliveries <-chan amqp.Delivery) {
	for delivery := range deliveries {
		err := s.send(delivery.Body)
		if err != nil {
			log.Print(err)
			err = delivery.Nack(false, true)
		} else {
			err = delivery.Ack(false)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

func (s *sender) send(body []byte) error {
	message, err := jobs.Decode(body)
	if err != nil {
		return err
	}
	data, err := json.Marshal(message.Data)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(message.Method, s.job.ServerURL+message.Path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+s.job.Token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s", message.Method, message.Path, response.Status)
	}
	return nil
}
