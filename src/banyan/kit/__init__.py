"""The conformance kit: does an app or a mirror show stock as its source means it? `./banyan kit check URL`."""
