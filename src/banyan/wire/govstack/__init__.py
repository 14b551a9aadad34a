"""GovStack Information Mediator: the same road in the spelling of its building block."""
