"""A stand-in for SAP S/4HANA's OData V2 services: strict on names, lengths and forms, and it makes doubles."""

from crossdock.sandbox.erps.sap_s4.stand_in import StandIn

__all__ = ["StandIn"]
