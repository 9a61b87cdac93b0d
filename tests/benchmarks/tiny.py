"""The smallest inputs of the benchmarks' tests."""

TINY = """tiny
VEHICLE
NUMBER CAPACITY
2 9
CUSTOMER
CUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME
0 0 0 0 0 99 0
1 3 4 1 0 99 1
2 6 8 1 0 99 1
"""

VROOM = """{
 "vehicles": [{"id": 1, "start_index": 0, "end_index": 0, "time_window": [0, 30000]}],
 "jobs": [{"id": 1, "location_index": 1, "service": 300}, {"id": 2, "location_index": 2}],
 "matrices": {"car": {"durations": [[0, 60, 90], [60, 0, 30], [90, 30, 0]]}}
}
"""
