"""Queries whose SQL is made once.

For the hottest paths: there Django spends several times as long on making the SQL as on running it.
"""

import functools
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators

Row = TypeVar("Row", bound=Model)


class Place(Expression):
    """Where a value will come; stands in a query wherever a value can."""

    def __init__(self, name: str, output_field: "Field[Any, Any]") -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return a parameter that knows its own name; `Prepared` puts the value there."""
        return "%s", (self,)

    def adapted(self, value: Any) -> Any:
        """Return the value as this database is given it."""
        return self.output_field.get_db_prep_value(value, connection)


class Prepared(Generic[Row]):
    """A query for one row, with a `Place` for each value that differs from call to call.

    It answers with what the same query would: instances, `select_related` and annotations included.
    """

    def __init__(self, rows: QuerySet[Row]) -> None:
        self._rows = rows

    def first(self, **values: Any) -> Row | None:
        """Return the row for these values, None if there is none."""
        statement = self._statement
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.parameters(values))
            found = cursor.fetchone()
        return None if found is None else statement.instance(found)

    @functools.cached_property
    def _statement(self) -> "_Statement":
        return _Statement(self._rows)


class _Statement:
    """The SQL, and how a row of its answer becomes an instance: what Django's own ModelIterable does."""

    def __init__(self, rows: QuerySet[Any]) -> None:
        self._compiler = compiler = rows.query.get_compiler(connection=connection)
        self.sql, self._parameters = compiler.as_sql()
        select, shape = compiler.select, compiler.klass_info
        self._model, places = shape["model"], shape["select_fields"]
        self._own = slice(places[0], places[-1] + 1)
        self._names = [column[0].target.attname for column in select[self._own]]
        self._related = get_related_populators(  # type: ignore[call-arg]  # the stubs are of a later Django
            shape, select, connection.alias
        )
        self._converters = compiler.get_converters([column[0] for column in select])
        self._annotations = compiler.annotation_col_map

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        return [
            given.adapted(values[given.name]) if isinstance(given, Place) else given
            for given in self._parameters
        ]

    def instance(self, row: Any) -> Any:
        if self._converters:
            (row,) = self._compiler.apply_converters([row], self._converters)
        made = self._model.from_db(connection.alias, self._names, row[self._own])
        for related in self._related:
            related.populate(row, made)
        for name, place in self._annotations.items():
            setattr(made, name, row[place])
        return made
