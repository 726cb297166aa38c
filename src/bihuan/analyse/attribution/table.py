"""What attribution answers, as a table for files and programs, and as key numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.attribution.result import MODELS, AttributionResult, Part, Point
from bihuan.analyse.attribution.spec import Model
from bihuan.engine.breakdowns import cells_of, columns_of
from bihuan.engine.question import Column, Headline, Table

WORTHS: Mapping[Model, str] = {
    "first": "Value, first touch",
    "last": "Value, last touch",
    "last_not_direct": "Value, last touch, not direct",
    "linear": "Value, linear",
    "decay": "Value, time decay",
    "position": "Value, position based",
    "markov": "Value, Markov chain",
    "shapley": "Value, Shapley value",
}
OTHER_POINTS, NO_POINT = "(other)", "(no touch point)"


def table_attribution(result: AttributionResult) -> Table:
    """A row for each touch point with what each model gives it; broken down, a row for each value and touch point with what the chosen
    model gives. The last row is what has no touch point."""
    return _broken_table(result) if result.breakdown else _whole_table(result)


def _whole_table(result: AttributionResult) -> Table:
    columns = [
        Column("touch_point", "Touch point"),
        *(Column(model, MODELS[model], "number") for model in result.models),
        *(Column(f"value_{model}", WORTHS[model], "money") for model in result.models if result.worthy),
        Column("people", "People touched", "number"),
        Column("converted_people", "Of them converted", "number"),
        Column("conversion_rate", "Conversion rate", "share"),
        Column("assisted", "Conversions with it in the path", "number"),
        Column("lost", "Journeys with it without conversion", "number"),
        Column("removal_effect", "Removal effect", "share"),
    ]
    if result.before is not None:
        columns.append(Column("before", "Compared with", "number"))
    costly = any(point.cost is not None for point in result.points)
    if costly:
        columns += [
            Column("cost", "Cost", "money"),
            Column("cost_each", "Cost per conversion", "money"),
            Column("roas", "Value per cost", "number"),
        ]
    rows: list[tuple[Any, ...]] = []
    cells: list[tuple[Mapping[str, Any] | None, ...]] = []
    for point in result.points:
        row: list[Any] = [_text(point.name), *(point.credits[model].conversions for model in result.models)]
        row += [point.credits[model].worth for model in result.models if result.worthy]
        row += [point.people, point.buyers, point.rate, point.assisted, point.lost, point.effect]
        if point.before is not None:
            row.append(point.before.conversions)
        if costly:
            row += [point.cost, cost_each(point, result.model), roas(point, result.model)]
        rows.append(tuple(row))
        at: Mapping[str, Any] = {"point": point.key}
        bought = {**at, "converted": True}
        links = {"people": at, "converted_people": bought, "assisted": bought, "lost": {**at, "converted": False}}
        cells.append(tuple(links.get(column.name) for column in columns))
    if result.total.untouched:
        none: dict[str, Any] = dict.fromkeys((column.name for column in columns), None)
        none |= {"touch_point": NO_POINT, "converted_people": result.total.untouched_people, "people": result.total.untouched_people}
        none |= dict.fromkeys(result.models, result.total.untouched)
        none |= {f"value_{model}": result.total.untouched_worth for model in result.models if result.worthy}
        rows.append(tuple(none[column.name] for column in columns))
        cells.append(tuple({"untouched": True} if column.name == "people" else None for column in columns))
    return Table(tuple(columns), tuple(rows), tuple(cells))


def _broken_table(result: AttributionResult) -> Table:
    columns = (
        *columns_of(result.breakdown),
        Column("touch_point", "Touch point"),
        Column("conversions", MODELS[result.model], "number"),
        *([Column("value_of_conversions", WORTHS[result.model], "money")] if result.worthy else []),
    )
    rows, cells = [], []
    for part in result.parts:
        head, at = cells_of(part.value, result.breakdown), part_cell(part)
        for point in result.points:
            credit = part.credits.get(point.key)
            if credit is not None:
                rows.append((*head, _text(point.name), credit.conversions, *([credit.worth] if result.worthy else [])))
                cells.append({**at, "point": point.key, "converted": True})
        if part.untouched:
            rows.append((*head, NO_POINT, float(part.untouched), *([part.untouched_worth] if result.worthy else [])))
            cells.append({**at, "untouched": True})
    place = len(columns) - 1 - int(result.worthy)
    return Table(columns, tuple(rows), tuple(tuple(cell if at == place else None for at in range(len(columns))) for cell in cells))


def _text(name: str | None) -> str:
    return OTHER_POINTS if name is None else name


def part_cell(part: Part) -> Mapping[str, Any]:
    """Where the people of a breakdown's part are found."""
    if part.value is None:
        return {"other": True}
    return {"value": part.value} if part.value else {"none": True}


def cost_each(point: Point, model: Model) -> float | None:
    """What a conversion costs that the model gives to the touch point."""
    given = point.credits[model].conversions
    return point.cost / given if point.cost is not None and given > 0 else None


def roas(point: Point, model: Model) -> float | None:
    """What a spent unit of money brings."""
    return point.credits[model].worth / point.cost if point.cost else None


def headlines_attribution(result: AttributionResult) -> tuple[Headline, ...]:
    total, before = result.total, result.before
    change = total.conversions / before.conversions - 1 if before and before.conversions else None
    lengths = sum(length * count for length, count in result.lengths)
    modelled = sum(count for _, count in result.lengths)
    found = [Headline("Conversions", total.conversions, "number", change)]
    if result.worthy:
        worth = total.worth / before.worth - 1 if before and before.worth else None
        found.append(Headline("Value of the conversions", total.worth, "money", worth))
    return (
        *found,
        Headline("Without touch point", total.untouched / total.conversions if total.conversions else None, "share"),
        Headline("Touch points of a path, mean", lengths / modelled if modelled else None),
        Headline("From the first touch point, median", result.quartiles[1] if result.quartiles else None, "seconds"),
    )
