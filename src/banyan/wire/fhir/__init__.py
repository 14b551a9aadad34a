"""HL7 FHIR R4 (4.0.1): light models of the few resources that Banyan reads and writes."""
