"""My data: the citizen's side of every use and consent: who read what and why, with proof, and a word that ends it."""
