"""Whatever comes in before anybody has typed it in: form, mail, telephone, alarms, the counter (R-101)."""
