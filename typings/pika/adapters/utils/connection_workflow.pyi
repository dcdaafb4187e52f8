class AMQPConnectorException(Exception):
    exception: BaseException  # of most subclasses

class AMQPConnectionWorkflowFailed(AMQPConnectorException):
    exceptions: tuple[BaseException, ...]
