"""Customers of a generated day with their sites, equipment and contracts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from dispatch.simulation import names
from dispatch.simulation.catalogue import load_catalogue
from dispatch.simulation.day_types import (
    GeneratedAsset,
    GeneratedContract,
    GeneratedCustomer,
    GeneratedSite,
    ProblemTemplate,
)
from dispatch.simulation.places import places

CHINESE_SHARE = 0.45
HOME_SERVICE_SHARE = 0.08
SECOND_CALL_SHARE = 0.06
BUSINESS_CONTRACT_SHARE = 0.45
PERSON_CONTRACT_SHARE = 0.06
SERVICE_LEVEL_SHARE = 0.5
MAKER_WARRANTY_SHARE = 0.8
MAKER_WARRANTY_DAYS = 730
WARRANTY_DAYS = 3 * 365
PARKING_MINUTES = (1, 2, 2, 3, 3, 4, 5, 6)
ACCESS_MINUTES_PERSON = (1, 1, 2, 2, 3, 4)
ACCESS_MINUTES_BUSINESS = (2, 3, 4, 5, 6, 8)
ACCESS_NOTES = ("", "", "", "Ring twice.", "Entrance from the yard.", "从院子进入。", "Ask at the counter.")


@dataclass(frozen=True, slots=True)
class Party:
    """Everybody and everything behind one call."""

    customer: GeneratedCustomer
    site: GeneratedSite
    asset: GeneratedAsset
    contract: GeneratedContract | None


@dataclass(slots=True)
class Clientele:
    """Grows by one party per call; every number is unique within the day."""

    chance: Random
    day: date
    customers: list[GeneratedCustomer] = field(default_factory=list)
    sites: list[GeneratedSite] = field(default_factory=list)
    assets: list[GeneratedAsset] = field(default_factory=list)
    contracts: list[GeneratedContract] = field(default_factory=list)
    order: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Shuffle the addresses once; they are used up before one is used again."""
        self.order = list(range(len(places("site"))))
        self.chance.shuffle(self.order)

    def party(self, template: ProblemTemplate, *, needs_service_level: bool = False) -> Party:
        """The customer, site and equipment of one call; a few businesses call for a second machine."""
        if not needs_service_level and self.chance.random() < SECOND_CALL_SHARE:
            known = [customer for customer in self.customers if customer.kind == "business"]
            if known:
                customer = self.chance.choice(known)
                site = next(site for site in self.sites if site.customer == customer.number)
                contract = next((c for c in self.contracts if c.customer == customer.number), None)
                return Party(customer, site, self._asset(site, template), contract)
        is_business = needs_service_level or self.chance.random() < template.business_share
        customer = self._customer(is_business=is_business)
        site = self._site(customer)
        contract = self._contract(customer, needs_service_level=needs_service_level)
        return Party(customer, site, self._asset(site, template), contract)

    def _customer(self, *, is_business: bool) -> GeneratedCustomer:
        chance, serial = self.chance, len(self.customers) + 1
        language = "zh" if chance.random() < CHINESE_SHARE else "en"
        name = (names.business if is_business else names.person)(chance, language)
        customer = GeneratedCustomer(
            number=f"C-{serial:03d}",
            name=name.written,
            kind="business" if is_business else "person",
            phone=names.phone(serial),
            email=names.email(name, serial),
            language=language,
            tier=chance.choices("ABC", (30, 40, 30) if is_business else (7, 23, 70))[0],
            needs_home_service=not is_business and chance.random() < HOME_SERVICE_SHARE,
            notes=names.GENERATED,
        )
        self.customers.append(customer)
        return customer

    def _site(self, customer: GeneratedCustomer) -> GeneratedSite:
        chance, serial = self.chance, len(self.sites) + 1
        is_business = customer.kind == "business"
        site = GeneratedSite(
            number=f"S-{serial:03d}",
            customer=customer.number,
            address=places("site")[self.order[(serial - 1) % len(self.order)]],
            parking_minutes=chance.choice(PARKING_MINUTES),
            access_minutes=chance.choice(ACCESS_MINUTES_BUSINESS if is_business else ACCESS_MINUTES_PERSON),
            access_notes=chance.choice(ACCESS_NOTES),
        )
        self.sites.append(site)
        return site

    def _asset(self, site: GeneratedSite, template: ProblemTemplate) -> GeneratedAsset:
        """Equipment of the kind the problem is about, two months to eleven years old."""
        chance, serial = self.chance, len(self.assets) + 1
        model = chance.choice(load_catalogue().product(template.product_kind).models)
        purchased_on = self.day - timedelta(days=round(chance.triangular(60, 4000, 900)))
        accepted_on = purchased_on + timedelta(days=chance.randint(0, 14))
        has_maker_warranty = chance.random() < MAKER_WARRANTY_SHARE
        asset = GeneratedAsset(
            number=f"A-{serial:03d}",
            site=site.number,
            product_kind=template.product_kind,
            model=model,
            serial=f"{model}-{purchased_on:%y%m}-{serial:04d}",
            purchased_on=purchased_on,
            accepted_on=accepted_on,
            maker_warranty_until=(
                purchased_on + timedelta(days=MAKER_WARRANTY_DAYS) if has_maker_warranty else None
            ),
        )
        self.assets.append(asset)
        return asset

    def _contract(
        self, customer: GeneratedCustomer, *, needs_service_level: bool
    ) -> GeneratedContract | None:
        """A contract for about half the businesses; 60 minutes and 12 hours for emergencies."""
        chance = self.chance
        share = BUSINESS_CONTRACT_SHARE if customer.kind == "business" else PERSON_CONTRACT_SHARE
        if not needs_service_level and chance.random() >= share:
            return None
        is_fast = needs_service_level or (
            customer.kind == "business" and chance.random() < SERVICE_LEVEL_SHARE
        )
        valid_from = self.day - timedelta(days=chance.randint(20, 700))
        contract = GeneratedContract(
            number=f"SC-{len(self.contracts) + 1:03d}",
            customer=customer.number,
            valid_from=valid_from,
            valid_until=valid_from + timedelta(days=730),
            covers_labour=True,
            covers_parts=chance.random() < 0.4,
            covers_travel=True,
            response_minutes=60 if needs_service_level else 2880 if is_fast else None,
            resolution_minutes=720 if needs_service_level else 4320 if is_fast else None,
        )
        self.contracts.append(contract)
        return contract


def is_in_warranty(asset: GeneratedAsset, day: date) -> bool:
    """R-404: three years from acceptance."""
    return day <= asset.accepted_on + timedelta(days=WARRANTY_DAYS)
