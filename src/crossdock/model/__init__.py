"""What both sides mean: frozen records, Decimal money, aware UTC times."""
