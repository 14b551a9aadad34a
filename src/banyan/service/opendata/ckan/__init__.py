"""The CKAN Action API 2.12 as a face of this service: other portals' clients work by changing the URL."""
