"""A believable programme to try Evento out with: `manage.py create_demo`. Never for a real site."""
