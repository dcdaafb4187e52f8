"""An IntercomGateway to another HTTP API than Intercom's, under the sink's delivery policy."""

from examples.custom_gateway.gateway import CRMGateway

__all__ = ["CRMGateway"]
