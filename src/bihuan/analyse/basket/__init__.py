"""Basket: what is bought, or done, together more often than chance."""

from __future__ import annotations

from bihuan.analyse.basket.baskets import reads_basket
from bihuan.analyse.basket.chart import chart_basket, panel_basket
from bihuan.analyse.basket.result import BasketResult, headlines_basket, shape_basket, table_basket
from bihuan.analyse.basket.spec import BasketCell, BasketSpec, Bought
from bihuan.analyse.basket.sql import compile_basket, people_basket
from bihuan.engine.question import Question

BASKET: Question[BasketSpec, BasketResult] = Question(
    name="basket",
    title="Basket",
    purpose="What is bought together, and to whom could the other be offered?",
    icon="shopping-cart",
    group="analyse",
    spec=BasketSpec,
    reads=reads_basket,
    compile=compile_basket,
    shape=shape_basket,
    table=table_basket,
    chart=chart_basket,
    headlines=headlines_basket,
    example=lambda: BasketSpec(of=Bought(event="Product Viewed"), item="product", basket="session"),
    panel=panel_basket,
    cell=BasketCell,
    people=people_basket,
)
