"""Crossdock carries business documents between a Magento store and an ERP: once each, and it can show why."""
