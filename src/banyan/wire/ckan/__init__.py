"""The CKAN Action API 2.12 as a codec: how requests are read, how answers and errors look. No I/O."""
