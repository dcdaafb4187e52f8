module github.com/intercom-sink/intercom-sink/examples/producer_go

go 1.25.0

require (
	github.com/rabbitmq/amqp091-go v1.16.0
	github.com/vmihailenco/msgpack/v5 v5.4.1
)

require github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
