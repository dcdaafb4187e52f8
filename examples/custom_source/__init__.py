"""A MessageSource over a directory of files, in place of RabbitMQ."""

from examples.custom_source.directory import DirectorySource

__all__ = ["DirectorySource"]
