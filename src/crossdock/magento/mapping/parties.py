"""Who bought, where it goes, how it is paid: Magento's words to ours."""

from __future__ import annotations

from crossdock.magento.mapping.wire import JsonObject, branch, decimal, flag, rows, text
from crossdock.model.address import Address
from crossdock.model.order import Buyer, Payment


def parse_buyer(order: JsonObject) -> Buyer:
    """The customer as the order tells of them; the VAT id is the customer's, else the billing address's."""
    customer_id = text(order, "customer_id")
    known = customer_id not in {"", "0"}
    return Buyer(
        id=customer_id if known else "",
        email=text(order, "customer_email"),
        first_name=text(order, "customer_firstname"),
        last_name=text(order, "customer_lastname"),
        group=text(order, "customer_group_id"),
        vat_id=text(order, "customer_taxvat") or text(branch(order, "billing_address"), "vat_id"),
        guest=flag(order, "customer_is_guest") if text(order, "customer_is_guest") else not known,
    )


def parse_address(found: JsonObject) -> Address:
    """One postal address."""
    street = found.get("street")
    lines = street if isinstance(street, list) else text(found, "street").split("\n")
    return Address(
        first_name=" ".join(filter(None, (text(found, "firstname"), text(found, "middlename")))),
        last_name=text(found, "lastname"),
        company=text(found, "company"),
        street=tuple(line for line in lines if isinstance(line, str) and line.strip()),
        city=text(found, "city"),
        region=text(found, "region"),
        region_code=text(found, "region_code"),
        postcode=text(found, "postcode"),
        country=text(found, "country_id"),
        telephone=text(found, "telephone"),
        email=text(found, "email"),
        vat_id=text(found, "vat_id"),
    )


def parse_shipping(order: JsonObject) -> tuple[Address | None, str]:
    """Where it goes and the shipping method's code, both of which stand in the shipping assignment only."""
    assignments = rows(branch(order, "extension_attributes"), "shipping_assignments")
    shipping = branch(assignments[0], "shipping") if assignments else {}
    address = branch(shipping, "address")
    nothing_to_ship = flag(order, "is_virtual") or not address
    return None if nothing_to_ship else parse_address(address), text(shipping, "method")


def parse_payment(order: JsonObject) -> Payment:
    """Amounts in the order's currency."""
    payment = branch(order, "payment")
    return Payment(
        method=text(payment, "method"),
        transaction_id=text(payment, "last_trans_id", "cc_trans_id"),
        purchase_order_number=text(payment, "po_number"),
        ordered=decimal(payment, "amount_ordered", "payment"),
        authorized=decimal(payment, "amount_authorized", "payment"),
        paid=decimal(payment, "amount_paid", "payment"),
        refunded=decimal(payment, "amount_refunded", "payment"),
    )
