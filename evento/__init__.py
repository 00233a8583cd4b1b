"""The roof of Evento, and the ground its apps stand on."""

__version__ = "0.1.0"
