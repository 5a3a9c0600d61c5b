"""Microsoft Dynamics 365 Finance and Operations, over its OData interface."""
