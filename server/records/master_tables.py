"""Tables of master data: what the forms choose from, what is measured. Rows are retired, never deleted."""

from datetime import date
from typing import Any

from sqlalchemy import Double, Text, true
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base


class _Entry:
    """Columns every master table has; *code* is what records store."""

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    active: Mapped[bool] = mapped_column(default=True, server_default=true())
    position: Mapped[int] = mapped_column(default=0)  # order in the workbook, kept in drop-downs


class _Row(_Entry):
    """A row with names people pick."""

    name: Mapped[str] = mapped_column(Text)
    name_en: Mapped[str] = mapped_column(Text, default="")


class Station(_Row, Base):
    __tablename__ = "stations"

    region: Mapped[str] = mapped_column(Text, default="", index=True)
    region_en: Mapped[str] = mapped_column(Text, default="")
    city: Mapped[str] = mapped_column(Text, default="")
    address: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(Text, default="")


class Customer(_Row, Base):
    __tablename__ = "customers"

    region: Mapped[str] = mapped_column(Text, default="")
    station: Mapped[str] = mapped_column(Text, default="")


class Product(_Row, Base):
    __tablename__ = "products"

    parent: Mapped[str] = mapped_column(Text, default="", index=True)
    level: Mapped[int | None]  # 1 system, 2 subsystem, 3 part
    drawing_no: Mapped[str] = mapped_column(Text, default="")


class Vehicle(_Row, Base):
    __tablename__ = "vehicles"

    vehicle_type: Mapped[str] = mapped_column(Text, default="")
    customer: Mapped[str] = mapped_column(Text, default="", index=True)
    station: Mapped[str] = mapped_column(Text, default="", index=True)
    line: Mapped[str] = mapped_column(Text, default="")
    accepted_on: Mapped[date | None]
    warranty_until: Mapped[date | None]
    retired_on: Mapped[date | None]


class FailureMode(_Row, Base):
    __tablename__ = "failure_modes"

    product: Mapped[str] = mapped_column(Text, default="", index=True)


class Person(_Row, Base):
    __tablename__ = "people"

    station: Mapped[str] = mapped_column(Text, default="")
    role: Mapped[str] = mapped_column(Text, default="")
    phone: Mapped[str] = mapped_column(Text, default="")
    email: Mapped[str] = mapped_column(Text, default="")


class Exposure(_Entry, Base):
    """What a train had run by the end of a day; either reading may be missing."""

    __tablename__ = "exposures"

    vehicle: Mapped[str] = mapped_column(Text, index=True)
    as_of: Mapped[date]
    odometer_km: Mapped[float | None] = mapped_column(Double)
    operating_hours: Mapped[float | None] = mapped_column(Double)


class FittedPart(_Entry, Base):
    """How many of a part every train of a type has, from a day on (always, where there is none)."""

    __tablename__ = "fitted_parts"

    vehicle_type: Mapped[str] = mapped_column(Text)
    part: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    valid_from: Mapped[date | None]


class Retrofit(_Entry, Base):
    """When a corrective action reached a train."""

    __tablename__ = "retrofits"

    change_no: Mapped[str] = mapped_column(Text, index=True)
    vehicle: Mapped[str] = mapped_column(Text)
    done_on: Mapped[date]


MODELS: dict[str, Any] = {
    model.__tablename__: model
    for model in (Station, Customer, Product, Vehicle, FailureMode, Person, Exposure, FittedPart, Retrofit)
}
