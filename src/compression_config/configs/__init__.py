"""Sub-configs and config lists: their keys and values, validation, and the JSON Schema made from the same tables."""
