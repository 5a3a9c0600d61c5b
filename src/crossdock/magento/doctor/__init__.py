"""What can be wrong with a store, as far as its REST API tells, and how a person looks where it does not."""
