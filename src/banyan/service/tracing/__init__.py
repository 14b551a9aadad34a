"""Tracing by positions (疫調足跡比對): who was near the cases, under an order, counted first and named by two."""
