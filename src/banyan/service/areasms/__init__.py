"""SMS by area at an operator: another agency's signed warning, to whoever is there. The asker learns counts only."""
