"""Powers: what officers do with legal bases, orders and reviews, and how an order's data ends with it."""
