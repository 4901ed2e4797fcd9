"""Support's pages about webhooks."""

from webhooks.admin.deliveries import DeliveryAdmin
from webhooks.admin.endpoints import EndpointAdmin

__all__ = ["DeliveryAdmin", "EndpointAdmin"]
