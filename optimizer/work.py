"""The work of a plan: visits, their windows, and what ties one visit to another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.units import Seconds

ARRIVAL, START, FINISH = "arrival", "start", "finish"
"""What the end of a visit's windows bounds."""


@dataclass(frozen=True, slots=True)
class Window:
    """
    Closed interval of time; for a visit, service begins not before its start.

    start
        First moment at which service may begin; waiting before it is allowed.
    end
        Last moment for what the visit's ``window_end`` names, by default the start of service.
    """

    start: Seconds
    end: Seconds


@dataclass(frozen=True, slots=True)
class After:
    """
    Another visit that must be over before this one begins.

    visit_id
        The visit that comes first; this one is served only if that one is.
    delay
        Least time between the end of that service and the start of this one.
    next_day
        True: this one begins on a later day than the one on which that service ends.
    """

    visit_id: str
    delay: Seconds = 0
    next_day: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """
    One attendance at a site.

    id
        Name of the visit, unique in the problem.
    location
        Row of the travel matrix.
    duration
        Length of service.
    windows
        Service must begin in one of them; none means any time of the shift.
    window_end
        What the end of a window bounds: ``arrival`` at the site, ``start`` or ``finish`` of service.
    durations
        Length of service by technician, for those who need another time than ``duration``.
    setup
        Parking and access before service, once per site: none when the stop before is at the same location.
    skills
        Skill name to the least level the technician must hold.
    certificates
        Certificate codes the technician must hold, valid on the day of the shift.
    parts
        Part to the quantity taken from the van.
    territory
        Territory of the site; null lets everybody go there.
    priority
        1 low, 2 below normal, 3 normal, 4 urgent, 5 emergency.
    optional
        False: leaving it out is allowed but costs more than anything else.
    courtesy
        A call that nobody waits for: served only where the detour costs less than a courtesy call is worth.
    respond_by
        Arrival after it is late and costs by the policy's lateness; null for no limit (R-401).
    resolve_by
        An end of service after it is late and costs by the policy's lateness; null for no limit (R-402).
    excluded_technicians
        Technicians who may not be sent, for example after a repeat repair.
    required_technician
        The only technician who may be sent; null for anybody.
    preferred_technicians
        Sending anybody else costs; empty for no preference.
    previous_technician
        Technician of the published plan; sending another costs the stability price.
    announced
        Start of service that the customer was told; moving it further than the policy bears costs.
    team
        Visits of the same team begin at the same moment, each with another technician, all or none.
    team_skills
        Skill name to the level that at least one member of the team must hold.
    lead_certificates
        Certificate codes that one member of the team, its lead, must hold all together, valid on the day of
        the shift (R-501).
    after
        Visits that must be over before this one.
    same_technician
        Visits of the same name here all go to one technician.
    """

    id: str
    location: int
    duration: Seconds
    windows: tuple[Window, ...] = ()
    window_end: str = START
    durations: Mapping[str, Seconds] = field(default_factory=dict)
    setup: Seconds = 0
    skills: Mapping[str, int] = field(default_factory=dict)
    certificates: frozenset[str] = frozenset()
    parts: Mapping[str, int] = field(default_factory=dict)
    territory: str | None = None
    priority: int = 3
    optional: bool = True
    courtesy: bool = False
    respond_by: Seconds | None = None
    resolve_by: Seconds | None = None
    excluded_technicians: frozenset[str] = frozenset()
    required_technician: str | None = None
    preferred_technicians: frozenset[str] = frozenset()
    previous_technician: str | None = None
    announced: Seconds | None = None
    team: str | None = None
    team_skills: Mapping[str, int] = field(default_factory=dict)
    lead_certificates: frozenset[str] = frozenset()
    after: tuple[After, ...] = ()
    same_technician: str | None = None
