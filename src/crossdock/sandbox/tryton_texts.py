"""Texts for Tryton's own Python: the module that keeps references unique, and the script that fills a database."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UNIQUE_NAME = "crossdock_reference"
UNIQUE_MODULE: Mapping[str, str] = MappingProxyType(
    {
        "tryton.cfg": """[tryton]
version=8.2.0
depends:
    sale
xml:
    message.xml

[register]
model:
    sale.Sale
""",
        "__init__.py": "",
        "sale.py": """from trytond.model import Unique
from trytond.pool import PoolMeta


class Sale(metaclass=PoolMeta):
    __name__ = "sale.sale"

    @classmethod
    def __setup__(cls):
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            (
                "company_reference_unique",
                Unique(table, table.company, table.reference),
                "crossdock_reference.msg_reference_taken",
            )
        )

    @classmethod
    def preprocess_values(cls, mode, values):
        values = super().preprocess_values(mode, values)
        if values.get("reference") == "":
            values["reference"] = None  # many sales may have none
        return values
""",
        "message.xml": """<?xml version="1.0"?>
<tryton>
    <data grouped="1">
        <record model="ir.message" id="msg_reference_taken">
            <field name="text">A sale with this reference already exists.</field>
        </record>
    </data>
</tryton>
""",
    }
)

FILL = r"""
import json
import sys
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, create_tax, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

wanted = json.load(sys.stdin)
session = config.set_trytond(sys.argv[2], user=wanted["user"], config_file=sys.argv[1])

Currency = Model.get("currency.currency")
money = {}
for code in wanted["currencies"]:
    found = Currency.find([("code", "=", code)])
    one = found[0] if found else Currency(name=code, code=code, symbol=code, rounding=Decimal("0.01"), digits=2)
    if not one.rates:
        one.rates.new(rate=Decimal(1))
    one.save()
    money[code] = one

create_company(currency=money[wanted["currencies"][0]])
company = get_company()
User = Model.get("res.user")
session._context = User.get_preferences(True, {})

year = set_fiscalyear_invoice_sequences(create_fiscalyear(company))
year.click("create_period")
create_chart(company)
accounts = get_accounts(company)
for rate in wanted["rates"]:
    tax = create_tax(Decimal(rate))
    tax.name = tax.description = "VAT {:f} %".format((Decimal(rate) * 100).normalize())
    tax.save()

Country = Model.get("country.country")
for code in wanted["countries"]:
    if not Country.find([("code", "=", code)]):
        Country(name=code, code=code).save()

term = Model.get("account.invoice.payment_term")(name="Now")
term.lines.new(type="remainder")
term.save()

category = Model.get("product.category")(name="Sold by the shop", accounting=True)
category.account_revenue = accounts["revenue"]
category.account_expense = accounts["expense"]
category.save()
unit, = Model.get("product.uom").find([("name", "=", "Unit")])


def product(code, kind):
    template = Model.get("product.template")(
        name=code, default_uom=unit, type=kind, salable=True, list_price=Decimal("10"), account_category=category)
    template.products[0].suffix_code = code
    template.save()


for code in wanted["goods"]:
    product(code, "goods")
for code in wanted["extras"]:
    product(code, "service")

admin, = User.find([("login", "=", wanted["user"])])
Model.get("res.user.application")(key=wanted["key"], user=admin, application="rest", state="validated").save()
"""
