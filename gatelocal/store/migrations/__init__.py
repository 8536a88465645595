"""Steps from the tables of one version to those of the next, in the form of Alembic."""
