"""A stand-in for Oracle Fusion Cloud SCM: from Oracle's public pages and public bodies, not from a real one."""

from crossdock.sandbox.erps.oracle_fusion.server import StandIn

__all__ = ["StandIn"]
