"""What a user would do instead, written as a competent user would: measured in the same run, never shipped."""
