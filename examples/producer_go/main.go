// Command producer_go publishes JSON values from standard input to the queue of intercom-sink:
//
//	{"method": "POST", "path": "/contacts", "data": {...}, "ordering_key": "contact-42"}
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	log.SetFlags(0)
	messages, err := ReadMessages(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	publisher, err := Connect(os.Getenv("CJW_RABBITMQ_HOST"), os.Getenv("CJW_INTERCOM_QUEUE_NAME"))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	confirmed, err := publisher.Publish(ctx, messages)
	fmt.Printf("%d messages are confirmed\n", confirmed)
	if err != nil {
		log.Fatal(err)
	}
	if err := publisher.Close(); err != nil {
		log.Fatal(err)
	}
}
