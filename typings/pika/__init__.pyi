from pika import connection as connection
from pika import exceptions as exceptions
from pika import spec as spec
from pika.adapters.blocking_connection import BlockingConnection as BlockingConnection
from pika.adapters.select_connection import SelectConnection as SelectConnection
from pika.connection import URLParameters as URLParameters
from pika.spec import BasicProperties as BasicProperties
