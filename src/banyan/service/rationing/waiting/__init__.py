"""The waiting room: an order of coming in that arriving first does not decide, kept in signed tokens alone."""
