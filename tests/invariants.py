"""
What must hold for money in any database at any time, as SQL: run after every campaign of kills.

The numbers are those of the design: I1 numbers, I3 billed once, I5 line sums, I7 payments.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

CHECKS = {
    "I1 numbers of a series are 1..n without a gap": """
        select series, count(*), max(ordinal) from invoice
        group by series having count(*) <> max(ordinal) or min(ordinal) <> 1
    """,
    "I1 the next number of a series follows its last one": """
        select s.code, s.next_number, max(i.ordinal) from number_series s join invoice i on i.series = s.code
        group by s.code, s.next_number having s.next_number <> max(i.ordinal) + 1
    """,
    "I1 numbers of credit notes have no gap, and the next one follows": """
        select c.series, count(*), s.next_number from credit_note c join number_series s on s.code = c.series
        group by c.series, s.next_number
        having count(*) <> max(c.ordinal) or min(c.ordinal) <> 1 or s.next_number <> max(c.ordinal) + 1
    """,
    "I1 days never go back within a series": """
        select number from (
            select number, issued_on, lag(issued_on) over (partition by series order by ordinal) as former
            from invoice
        ) as ordered where former > issued_on
    """,
    "I1 receipt numbers have no gap": """
        select count(*), s.next_number from number_series s cross join payment
        where s.code = 'receipt' group by s.next_number having count(*) <> s.next_number - 1
    """,
    "I3 a fact is settled at most once over all live settlements": """
        select regexp_replace(l.source_key, ':[0-9]+$', '') as source, count(*)
        from settlement_line l join settlement s on s.id = l.settlement_id
        where s.state <> 'void' and not exists (
            select 1 from credit_note c join invoice i on i.id = c.invoice_id where i.settlement_id = s.id
        ) group by source having count(*) > 1
    """,
    "I3 a settlement is invoiced at most once per payer": """
        select settlement_id, payer from invoice group by settlement_id, payer having count(*) > 1
    """,
    "I3 an invoice bills exactly its payer's lines": """
        select i.number, i.net_minor, sum(l.net_minor) from invoice i
        join settlement_line l on l.settlement_id = i.settlement_id and l.payer = i.payer
        group by i.number, i.net_minor having i.net_minor <> sum(l.net_minor)
    """,
    "I3 an invoiced settlement has a document for every paying party": """
        select s.id, l.payer from settlement s join settlement_line l on l.settlement_id = s.id
        left join invoice i on i.settlement_id = s.id and i.payer = l.payer
        where s.state = 'invoiced' and l.payer in ('customer', 'maker') and i.id is null
        group by s.id, l.payer having sum(l.net_minor) > 0
    """,
    "I5 a line is its quantity times its price, rounded half up": """
        select id from settlement_line where net_minor <> round(quantity * unit_price_minor)
    """,
    "I5 net and tax are the total": "select number from invoice where net_minor + tax_minor <> gross_minor",
    "I5 tax is the rate of the sum, rounded once": """
        select i.number from invoice i
        join settlement_line l on l.settlement_id = i.settlement_id and l.payer = i.payer
        group by i.number, i.tax_minor, i.net_minor
        having i.tax_minor <> round(i.net_minor * max(l.tax_rate)) or count(distinct l.tax_rate) > 1
    """,
    "I5 a credit note takes back exactly its invoice": """
        select c.number from credit_note c join invoice i on i.id = c.invoice_id
        where (c.net_minor, c.tax_minor, c.gross_minor, c.currency, c.work_order_id)
            is distinct from (i.net_minor, i.tax_minor, i.gross_minor, i.currency, i.work_order_id)
    """,
    "I7 a payment is never used beyond its amount": """
        select p.id from payment p join allocation a on a.payment_id = p.id
        group by p.id having sum(a.amount_minor) > p.amount_minor
    """,
    "I7 an invoice is never paid beyond its total": """
        select i.number from invoice i join allocation a on a.invoice_id = i.id
        group by i.number, i.gross_minor having sum(a.amount_minor) > i.gross_minor
    """,
    "I7 no money lies idle while the customer's invoice of that order is open": """
        with paid as (select invoice_id, sum(amount_minor) as amount from allocation group by invoice_id),
             used as (select payment_id, sum(amount_minor) as amount from allocation group by payment_id)
        select i.number from invoice i left join paid on paid.invoice_id = i.id
        join payment p on p.work_order_id = i.work_order_id left join used on used.payment_id = p.id
        where i.payer = 'customer' and i.gross_minor > coalesce(paid.amount, 0)
          and not exists (select 1 from credit_note c where c.invoice_id = i.id)
          and p.amount_minor > coalesce(used.amount, 0)
    """,
    "I7 payment, invoice and order speak one currency": """
        select a.id from allocation a join payment p on p.id = a.payment_id
        join invoice i on i.id = a.invoice_id
        where p.currency <> i.currency or p.work_order_id <> i.work_order_id
    """,
}


def broken(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return every check that finds rows, with the first of them; empty when all is well."""
    found = {}
    for name, question in CHECKS.items():
        rows = connection.execute(text(question)).fetchmany(5)
        if rows:
            found[name] = [tuple(row) for row in rows]
    return found
