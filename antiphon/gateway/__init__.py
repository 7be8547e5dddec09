"""An ASGI application: any dialect in front, any model behind."""
