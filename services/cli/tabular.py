"""Rows of text as a CSV file or a Parquet file."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from services.cli.datasets import Column, ColumnType

Texts = Sequence[str]
MOST_DIGITS = 38
"""What a Parquet DECIMAL of 16 bytes holds (Apache Parquet, "Logical Types", DECIMAL)."""

_BATCH = 20_000


class Format(StrEnum):
    """Of the file."""

    CSV = "csv"
    PARQUET = "parquet"


def write_csv(path: Path, columns: Sequence[Column], rows: Callable[[], Iterable[Texts]]) -> Sequence[str]:
    """Write a header and every row; amounts stay the text they are.

    Returns:
        Nothing: no column has to give up its type.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        writer.writerows(rows())
    return []


def write_parquet(
    path: Path, columns: Sequence[Column], rows: Callable[[], Iterable[Texts]]
) -> Sequence[str]:
    """Write every row with typed columns: exact decimals, moments in UTC.

    A decimal column gets the scale of its longest fraction. Where that leaves fewer than its digits before
    the point in 38, the column stays text.

    Args:
        path: the file.
        columns: its columns.
        rows: gives the rows from the beginning, each time it is called.

    Returns:
        Names of the decimal columns that stay text.
    """
    import pyarrow as pa  # noqa: PLC0415 - most commands do not need it
    from pyarrow import parquet  # noqa: PLC0415

    scales = decimal_scales(columns, rows())
    schema = pa.schema(
        [pa.field(column.name, _arrow_type(pa, column, scales.get(column.name))) for column in columns]
    )
    readers = [_reader(column, scales.get(column.name)) for column in columns]
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in _batches(rows()):
            values = [
                pa.array([read(row[place]) for row in batch], type=field.type)
                for place, (read, field) in enumerate(zip(readers, schema, strict=True))
            ]
            writer.write_table(pa.Table.from_arrays(values, schema=schema))
    decimals = [column.name for column in columns if column.type is ColumnType.DECIMAL]
    return [name for name in decimals if scales[name] is None]


def decimal_scales(columns: Sequence[Column], rows: Iterable[Texts]) -> dict[str, int | None]:
    """The scale of each decimal column; None where its values do not fit together into 38 digits."""
    places = {place: column.name for place, column in enumerate(columns) if column.type is ColumnType.DECIMAL}
    whole = dict.fromkeys(places, 1)
    fraction = dict.fromkeys(places, 0)
    for row in rows:
        for place in places:
            before, _, after = row[place].removeprefix("-").partition(".")
            whole[place] = max(whole[place], len(before))
            fraction[place] = max(fraction[place], len(after))
    return {
        name: fraction[place] if whole[place] + fraction[place] <= MOST_DIGITS else None
        for place, name in places.items()
    }


def _arrow_type(pa: Any, column: Column, scale: int | None) -> Any:
    match column.type:
        case ColumnType.TIME:
            return pa.timestamp("us", tz="UTC")
        case ColumnType.FLAG:
            return pa.bool_()
        case ColumnType.DECIMAL if scale is not None:
            return pa.decimal128(MOST_DIGITS, scale)
        case _:
            return pa.string()


def _reader(column: Column, scale: int | None) -> Callable[[str], object]:
    """What makes a value of a text; an empty text is no value, but in a column of text."""
    match column.type:
        case ColumnType.TIME:
            return lambda text: datetime.fromisoformat(text) if text else None
        case ColumnType.FLAG:
            return lambda text: text == "true"
        case ColumnType.DECIMAL if scale is not None:
            return lambda text: Decimal(text) if text else None
        case ColumnType.DECIMAL:
            return lambda text: text or None
        case ColumnType.TEXT:
            return lambda text: text


def _batches(rows: Iterable[Texts]) -> Iterator[list[Texts]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


WRITERS = {Format.CSV: write_csv, Format.PARQUET: write_parquet}
