"""Names: how messages write them, and which known one somebody meant who wrote another. Knows no layers."""
