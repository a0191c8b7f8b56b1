"""Django's formats per language, corrected: what templates write by themselves may stand in an attribute or a drawing."""
