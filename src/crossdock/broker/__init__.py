"""Announcing what is due through RabbitMQ, with Dramatiq. The only room that knows either."""
