"""The tables of this project. A product that starts from it adds and tests its own."""

from app.accounts import models
from app.storage.extensions import Model, db

_NAMES = {
    mapper.class_.__tablename__
    for mapper in Model.registry.mappers
    if mapper.class_.__module__ == models.__name__
}
# Parents before their children.
TABLES = [table for table in db.metadata.sorted_tables if table.name in _NAMES]
