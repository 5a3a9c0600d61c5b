"""Our order to Tryton's sale: pure."""
