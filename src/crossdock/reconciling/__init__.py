"""Reconciliation put together: the ends' sides, what is known of a difference, runs, repairs, schedules."""
