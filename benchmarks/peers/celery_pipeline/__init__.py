"""What many would write by hand: FastAPI takes the webhook, Celery carries it over RabbitMQ."""
